// The customer's orders, and one of them.

import { api, newKey, segment } from '../api.js';
import { count, date, element, figures, heading, money } from '../elements.js';
import { button } from '../forms.js';
import { lineList } from '../lines.js';
import { tell } from '../notice.js';
import { show } from '../route.js';
import { session } from '../store.js';
import { words } from '../words.js';
import { signInPage } from './sign-in.js';

const STATUS = { placed: 'Placed', packed: 'Packed', shipped: 'Shipped', delivered: 'Delivered', lost: 'Lost', cancelled: 'Cancelled' };
const WAY = ['placed', 'packed', 'shipped', 'delivered'];
const PAYMENT = { captured: 'Paid', refunded: 'Refunded', 'partially-refunded': 'Refunded in part' };
const SHIPMENT = { scheduled: 'Being prepared', packed: 'Packed', shipped: 'On its way', delivered: 'Delivered', lost: 'Lost', cancelled: 'Called off' };

export async function orders(parameters) {
  if (!session()) return signInPage(parameters);
  const first = await api('GET', '/orders');
  const title = 'Your orders';
  if (first.items.length === 0) {
    return { title, parts: [heading(title), element('p', {}, 'You have not ordered anything yet.'),
      element('p', {}, element('a', { class: 'button', href: '#/' }, 'Go shopping'))] };
  }
  const list = element('ul', { class: 'orders' }, first.items.map(orderCard));
  let cursor = first.nextCursor;
  const more = button('Show more', 'Loading …', async () => {
    const next = await api('GET', `/orders?cursor=${segment(cursor)}`);
    const made = next.items.map(orderCard);
    list.append(...made);
    cursor = next.nextCursor;
    more.hidden = !cursor;
    made[0]?.querySelector('a').focus();
  }, { class: 'plain', hidden: !cursor });
  return { title, parts: [heading(title), list, more] };
}

const badge = (status) => element('span', { class: `badge ${status}` }, STATUS[status] ?? status);

function orderCard(order) {
  const pieces = order.lines.reduce((sum, line) => sum + line.quantity, 0);
  return element('li', {}, element('a', { class: 'card order', href: `#/orders/${segment(order.id)}` },
    element('span', { class: 'what' }, element('b', {}, date(order.placedAt)), ' ',
      element('span', { class: 'quiet' }, `${count(pieces, 'item', 'items')}: ${order.lines.map((line) => line.title).join(', ')}`)),
    ' ', badge(order.status), ' ', element('strong', { class: 'figure' }, money(order.total))));
}

export async function orderPage(parameters, id) {
  if (!session()) return signInPage(parameters);
  const order = await api('GET', `/orders/${segment(id)}`);
  const isNew = parameters.has('placed') && order.status !== 'cancelled';
  const title = isNew ? 'Thank you for your order' : `Order of ${date(order.placedAt)}`;
  return { title, parts: [
    element('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' }, element('a', { href: '#/orders' }, 'Your orders'), ' / ', `Order of ${date(order.placedAt)}`),
    heading(title), isNew && element('p', {}, 'It is paid, and we pack it now.'), way(order.status),
    element('div', { class: 'columns' },
      element('section', { class: 'card', 'aria-label': 'Items' },
        lineList(order.lines, (line) => element('span', { class: 'quiet' }, `${line.quantity} × ${money(line.unitPrice)}`))),
      element('aside', { class: 'card summary', 'aria-label': 'Summary' },
        figures(['Subtotal', money(order.subtotal)], ['Shipping', money(order.shipping)], ['Total', money(order.total), 'total']),
        figures(['Payment', PAYMENT[order.payment.status] ?? order.payment.status], ['Parcel', SHIPMENT[order.shipment.status] ?? order.shipment.status],
          ['Tracking number', order.shipment.trackingNumber, 'long'], ['Order number', order.id, 'long']),
        ['placed', 'packed'].includes(order.status) && cancelling(order))),
  ] };
}

/** How far the order has come. */
function way(status) {
  const reached = WAY.indexOf(status);
  if (reached < 0) return element('p', {}, badge(status));
  return element('ol', { class: 'way', 'aria-label': 'How far it has come' }, WAY.map((step, place) =>
    element('li', { class: place <= reached && 'reached', 'aria-current': place === reached && 'step' }, STATUS[step])));
}

/** The button that cancels the order, after it has asked. */
function cancelling(order) {
  const problem = element('p', { class: 'alert', role: 'alert' });
  const key = newKey();
  const confirm = button('Cancel order', 'Cancelling …', async () => {
    try {
      await api('POST', `/orders/${segment(order.id)}/cancel`, undefined, key);
    } catch (error) {
      problem.textContent = words(error, { 409: 'Your parcel has left already, so the order cannot be cancelled any more.' });
      return;
    }
    dialog.close();
    tell('Your order is cancelled, and your money is on its way back.');
    await show();
  }, { class: 'bad' });
  const keep = element('button', { type: 'button', class: 'plain', onclick: () => dialog.close() }, 'Keep order');
  const dialog = element('dialog', { 'aria-labelledby': 'cancel-title' }, element('h2', { id: 'cancel-title' }, 'Cancel this order?'),
    element('p', {}, `Nothing will be sent, and ${money(order.total)} go back to your card.`), problem,
    element('div', { class: 'choices' }, keep, confirm));
  const ask = element('button', { type: 'button', class: 'plain wide', onclick: () => dialog.showModal() }, 'Cancel order …');
  return [ask, dialog];
}
