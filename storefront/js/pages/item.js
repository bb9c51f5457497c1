// One item, and the way into the cart.

import { api, segment } from '../api.js';
import { addToCart } from '../cart.js';
import { element, heading, money, picture } from '../elements.js';
import { button } from '../forms.js';
import { tell } from '../notice.js';
import { quantity } from '../quantity.js';
import { FEW } from './goods.js';
import { words } from '../words.js';

export async function item(_parameters, sku) {
  const found = await api('GET', `/items/${segment(sku)}`);
  return { title: found.title, parts: [
    element('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' },
      element('a', { href: '#/' }, 'All'), ' / ', element('a', { class: 'category', href: `#/?category=${segment(found.category)}` }, found.category)),
    element('article', { class: 'item' },
      element('div', { class: 'frame' }, picture(found, { alt: found.title })),
      element('div', { class: 'about' },
        heading(found.title), element('p', { class: 'price' }, money(found.price)),
        element('p', {}, found.description), stock(found.available), buy(found),
        element('ul', { class: 'promises' },
          element('li', {}, 'The price of shipping is shown before you pay'),
          element('li', {}, 'Cancel free of charge until your parcel leaves')))),
  ] };
}

function stock(available) {
  if (available === 0) return element('p', { class: 'stock none' }, 'Sold out');
  return element('p', { class: available < FEW ? 'stock few' : 'stock' }, available < FEW ? `Only ${available} left` : 'In stock');
}

function buy(found) {
  if (found.available === 0) {
    return element('p', { class: 'quiet' }, 'This is sold out at the moment. Look in again later.');
  }
  let wanted = 1;
  const problem = element('p', { class: 'alert', role: 'alert' });
  const add = button('Add to cart', 'Adding …', async () => {
    problem.textContent = '';
    try {
      const cart = await addToCart(found.sku, wanted);
      const line = cart.lines.find(({ sku }) => sku === found.sku);
      const many = line && line.quantity > line.available ? ` Only ${line.available} are left, and your cart has ${line.quantity}.` : '';
      tell(`${found.title} is in your cart.${many}`, ['View cart', '#/cart']);
    } catch (error) {
      problem.textContent = words(error, { 404: 'This is no longer on sale.', 409: 'Your cart is full: it holds 100 different things.',
        422: 'This cannot be in one order with what is in your cart.' });
    }
  }, { class: 'wide' });
  return element('div', { class: 'buy' },
    quantity({ id: 'quantity', title: found.title, value: 1, change: (number) => { wanted = number; } }), add, problem);
}
