// Makes elements. Text is always text, never markup.

const SVG = 'http://www.w3.org/2000/svg';

/** An element; `onclick` and the like are listeners, an attribute that is `true` is empty, one that is `false` is left out. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An icon that says nothing by itself. */
export function icon(...paths) {
  const draw = (d) => fill(document.createElementNS(SVG, 'path'), { d }, []);
  return fill(document.createElementNS(SVG, 'svg'), { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, paths.map(draw));
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat(3).filter((child) => child !== undefined && child !== false));
  return made;
}

export function money({ amount, currency }) {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export const date = (text) => new Intl.DateTimeFormat(undefined, { dateStyle: 'long' }).format(new Date(text));

/** An item's picture as a whole, on a plain ground when it is not square. */
export const picture = (item, attributes = {}) =>
  element('img', { class: 'picture', src: item.image, alt: '', width: 320, height: 320, ...attributes });

/** Names and figures in two columns. */
export const figures = (...rows) => element('dl', { class: 'figures' },
  rows.filter(Boolean).map(([name, value, kind]) => element('div', { class: kind }, element('dt', {}, name), element('dd', {}, value))));

/** The heading of a page, which gets the focus when the page is shown. */
export const heading = (text) => element('h1', { tabindex: '-1' }, text);

export const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;
