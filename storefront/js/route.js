// Which page is shown, by the part of the address behind the `#`.

import { element, heading } from './elements.js';
import { tell } from './notice.js';
import { words } from './words.js';

const content = document.getElementById('content');
const SHOP = 'Switchyard shop';

let pages = [];
let signIn;
let turn = 0;

/** `found` are pairs of a pattern and a page; `signInPage` is shown where a customer is needed. */
export function start(found, signInPage) {
  [pages, signIn] = [found, signInPage];
  addEventListener('hashchange', () => { scrollTo(0, 0); show(); });
  document.querySelector('.skip').addEventListener('click', (event) => {
    // The address names the page, so that it cannot name a place within it.
    event.preventDefault();
    content.focus();
  });
  return show({ isFirst: true });
}

/** The path and the parameters of the address. */
export function place() {
  const [path, query] = (location.hash.slice(1) || '/').split('?');
  return { path, parameters: new URLSearchParams(query) };
}

/** Shows the page of the address. The focus goes to its heading, or stays where it is with `keepsFocus`. */
export async function show({ isFirst, keepsFocus } = {}) {
  const mine = ++turn;
  content.setAttribute('aria-busy', 'true');
  const { title, parts } = await make();
  // The customer has gone on meanwhile, and is not brought back.
  if (mine !== turn) return;
  const focused = document.activeElement?.id;
  content.removeAttribute('aria-busy');
  content.replaceChildren(...parts.flat(2).filter(Boolean));
  document.title = title ? `${title} – ${SHOP}` : SHOP;
  document.querySelectorAll('[data-place]').forEach((link) => {
    const isHere = link.getAttribute('href') === (location.hash || '#/');
    isHere ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
  });
  const kept = keepsFocus && focused && document.getElementById(focused);
  if (kept) kept.focus();
  else if (!isFirst) (content.querySelector('h1') ?? content).focus({ preventScroll: true });
}

async function make() {
  const { path, parameters } = place();
  try {
    for (const [pattern, page] of pages) {
      const match = path.match(pattern);
      if (match) return await page(parameters, ...match.slice(1).map(decodeURIComponent));
    }
    return missing();
  } catch (error) {
    if (error.status === 401) return ended(parameters);
    if (error.status === 404 || error instanceof URIError) return missing();
    const title = 'Something went wrong';
    const again = element('button', { type: 'button', onclick: () => show() }, 'Try again');
    return { title, parts: [heading(title), element('p', {}, words(error)), again] };
  }
}

function ended(parameters) {
  tell('Your session has ended. Sign in to go on; your cart is kept.');
  return signIn(parameters);
}

function missing() {
  const title = 'We cannot find this page';
  return { title, parts: [heading(title), element('p', {}, 'It may have moved, or the item is no longer on sale.'),
    element('p', {}, element('a', { class: 'button', href: '#/' }, 'Go shopping'))] };
}
