// A number of pieces, with buttons for one less and one more.

import { QUANTITY_MAX } from './cart.js';
import { element } from './elements.js';

/** `change` gets every whole number from 1 to the most. `id` stays the same when the page is shown again, so that the focus does. */
export function quantity({ id, title, value, change }) {
  const input = element('input', {
    id, type: 'number', inputmode: 'numeric', min: 1, max: QUANTITY_MAX, step: 1, value, 'aria-label': `Quantity of ${title}`,
  });
  const set = (number) => {
    const good = Math.min(QUANTITY_MAX, Math.max(1, Number.isFinite(number) ? Math.round(number) : value));
    input.value = good;
    change(good);
  };
  input.addEventListener('change', () => set(input.valueAsNumber));
  const step = (name, label, by) => element('button', {
    id: `${id}-${name}`, type: 'button', 'aria-label': `${label} ${title}`, onclick: () => set(input.valueAsNumber + by),
  }, by > 0 ? '+' : '−');
  return element('div', { class: 'quantity' }, step('less', 'One less', -1), input, step('more', 'One more', 1));
}
