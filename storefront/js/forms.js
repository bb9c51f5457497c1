// Forms: each field shows what is wrong with it beside itself, and a form is not sent twice at once.

import { element } from './elements.js';
import { tell } from './notice.js';
import { words } from './words.js';

let ids = 0;

/** A field with its label. `wrong` says in the shopper's words what a good value is; `hint` says so beforehand. */
export function field(label, { wrong, hint, optional, options, ...attributes }) {
  const id = `field-${++ids}`;
  const described = hint ? `${id}-hint ${id}-error` : `${id}-error`;
  const shared = { id, required: !optional, 'aria-describedby': described, 'data-wrong': wrong, ...attributes };
  const control = options
    ? element('select', shared, options.map(([value, text]) => element('option', { value, selected: value === attributes.value }, text)))
    : element('input', shared);
  return element('div', { class: 'field' },
    element('label', { for: id }, label, optional && element('span', { class: 'optional' }, ' (optional)')),
    hint && element('p', { class: 'hint', id: `${id}-hint` }, hint),
    control, element('p', { class: 'wrong', id: `${id}-error` }));
}

/** Shows what is wrong with a control, or that nothing is. */
export function mark(control, text = '') {
  const error = document.getElementById(`${control.id}-error`);
  if (error) error.textContent = text;
  if (text) control.setAttribute('aria-invalid', 'true');
  else control.removeAttribute('aria-invalid');
}

/** A button that does `act` once at a time, and says meanwhile that it is busy. A refusal that `act` leaves is told above the page. */
export function button(label, busyLabel, act, attributes = {}) {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', () => once(made, busyLabel, act).catch((error) => tell(words(error))));
  return made;
}

async function once(made, busyLabel, act) {
  // It stays focusable: a button that is disabled loses the focus of a keyboard.
  if (made.getAttribute('aria-disabled') === 'true') return;
  const label = [...made.childNodes];
  made.setAttribute('aria-disabled', 'true');
  made.replaceChildren(busyLabel);
  try {
    await act();
  } finally {
    made.removeAttribute('aria-disabled');
    made.replaceChildren(...label);
  }
}

/**
 * A form that does `act` with its values. `refusals` has words for statuses; a pair of words and a field's name puts them beside
 * that field.
 */
export function form({ title, fields, submit, busy, act, refusals = {} }) {
  const alert = element('p', { class: 'alert', role: 'alert' });
  const send = element('button', {}, submit);
  const made = element('form', { novalidate: true }, title && element('h2', {}, title), alert, fields, send);
  made.addEventListener('submit', (event) => {
    event.preventDefault();
    once(send, busy, async () => {
      alert.textContent = '';
      if (!check(made)) return;
      try {
        await act(Object.fromEntries(new FormData(made)));
      } catch (error) {
        refuse(made, alert, error, refusals);
      }
    });
  });
  // An error goes as soon as its value is good.
  made.addEventListener('input', ({ target }) => {
    if (target.hasAttribute('aria-invalid') && target.validity.valid) mark(target);
  });
  return made;
}

function check(made) {
  const controls = [...made.elements].filter((control) => control.name);
  for (const control of controls) {
    if (control.type !== 'password' && control.type !== 'number' && control.value !== control.value.trim()) control.value = control.value.trim();
    mark(control, control.validity.valid ? '' : control.dataset.wrong ?? 'Fill in this field.');
  }
  return focusFirstWrong(made);
}

function focusFirstWrong(made) {
  const wrong = made.querySelector('[aria-invalid]');
  wrong?.focus();
  return !wrong;
}

function refuse(made, alert, error, refusals) {
  if (error.status === undefined) throw error;
  for (const { field: pointer } of error.document.errors ?? []) {
    const control = pointer && made.elements[pointer.slice(1).split('/')[0]];
    if (control) mark(control, control.dataset.wrong ?? 'Check this field.');
  }
  const own = refusals[error.status];
  if (Array.isArray(own) && made.elements[own[1]]) mark(made.elements[own[1]], own[0]);
  if (focusFirstWrong(made)) alert.textContent = words(error, refusals);
}
