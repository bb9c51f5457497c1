// A line below the header that tells of what has just happened.

import { element } from './elements.js';

const SHOWN_MS = 8000;

/** A line that is older than this is about the page before. */
const FRESH_MS = 1500;

const notice = document.getElementById('notice');
let timer;
let toldAt = 0;

/** Shows `text`, with a link of a label and an address if there is a next step. */
export function tell(text, link) {
  clearTimeout(timer);
  toldAt = performance.now();
  const close = element('button', { type: 'button', class: 'icon', 'aria-label': 'Close', onclick: hide }, '×');
  notice.replaceChildren(element('div', {}, element('p', {}, text, ' ', link && element('a', { href: link[1] }, link[0])), close));
  timer = setTimeout(hide, SHOWN_MS);
}

addEventListener('hashchange', () => {
  if (performance.now() - toldAt > FRESH_MS) notice.replaceChildren();
});

/** Takes the line away; while it has the focus it stays. */
function hide(event) {
  if (event || !notice.contains(document.activeElement)) notice.replaceChildren();
  else timer = setTimeout(hide, SHOWN_MS);
}
