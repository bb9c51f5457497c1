// The lines of a cart or an order, each with its picture.

import { api, segment } from './api.js';
import { element, money, picture } from './elements.js';

const pictures = new Map();

/** An image that shows itself once the item's picture is known; an item that is no longer sold has none. */
function pictureOf(sku) {
  const frame = element('div', { class: 'frame small' });
  if (!pictures.has(sku)) pictures.set(sku, api('GET', `/items/${segment(sku)}`).catch(() => undefined));
  pictures.get(sku).then((item) => item && frame.append(picture(item)));
  return frame;
}

/** A list of lines; `extra` makes what stands below a line's title. */
export const lineList = (lines, extra) => element('ul', { class: 'lines' }, lines.map((line) => element('li', {},
  pictureOf(line.sku),
  element('div', { class: 'what' }, element('a', { href: `#/items/${segment(line.sku)}` }, line.title), extra(line)),
  element('strong', { class: 'figure' }, money(line.total)))));
