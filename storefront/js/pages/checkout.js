// The checkout: where to, how it is shipped, how it is paid, and the total that will be charged.

import { api, attempt, segment } from '../api.js';
import { cartIsBought, dropUnsold, openCart } from '../cart.js';
import { countryName } from '../countries.js';
import { count, element, figures, heading, money } from '../elements.js';
import { button } from '../forms.js';
import { lineList } from '../lines.js';
import { tell } from '../notice.js';
import { show } from '../route.js';
import { session } from '../store.js';
import { words } from '../words.js';
import { addressForm, cardForm } from './details.js';
import { signInPage } from './sign-in.js';

const TITLE = 'Check out';

const REFUSALS = {
  503: 'The payment cannot be taken at the moment. You have not been charged. Try again in a while.',
  504: 'This takes longer than it should. Press the button again: you will be charged only once.',
  0: 'We did not get an answer. Press the button again: you will be charged only once.',
};

export async function checkout(parameters) {
  if (!session()) return signInPage(parameters);
  const [open, account] = await Promise.all([openCart(), api('GET', `/accounts/${segment(session().accountId)}`)]);
  if (!open?.lines.length) {
    location.replace('#/cart');
    return { title: TITLE, parts: [] };
  }
  const choice = { cart: open, address: account.addresses.at(-1), card: account.paymentMethods.at(-1), pay: attempt('POST', `/carts/${segment(open.id)}/checkout`) };
  const delivery = element('div', { 'aria-live': 'polite' });
  const summary = element('aside', { class: 'card summary', 'aria-label': 'Summary' });
  const page = { choice, delivery, summary };
  await quote(page);
  const base = `/accounts/${segment(account.id)}`;
  return { title: TITLE, parts: [heading(TITLE), element('div', { class: 'columns' },
    element('div', {},
      section('Delivery address', picks('address', account.addresses, choice.address, addressText, (address) => {
        choice.address = address;
        return quote(page);
      }), more('Add another address', account.addresses, addressForm(base, account.name))),
      section('Delivery', delivery),
      section('Payment', picks('card', account.paymentMethods, choice.card, cardText, (card) => {
        choice.card = card;
        showSummary(page);
      }), more('Add another card', account.paymentMethods, cardForm(base)))),
    summary)] };
}

const section = (title, ...parts) => element('section', { class: 'card', 'aria-label': title }, element('h2', {}, title), parts);

/** A form that is open where there is nothing to choose from. */
const more = (label, there, form) => (there.length === 0 ? form : element('details', {}, element('summary', {}, label), form));

const addressText = (address) => [address.recipient,
  [address.line1, address.line2, `${address.postalCode} ${address.city}`, address.region, countryName(address.country)].filter(Boolean).join(', ')];

const cardText = (card) => [`${card.brand[0]?.toUpperCase() ?? ''}${card.brand.slice(1)} ending in ${card.last4}`,
  `Expires ${String(card.expiryMonth).padStart(2, '0')}/${card.expiryYear}`];

/** Radio buttons, newest first; `text` gives the two lines of one. */
function picks(name, all, chosen, text, pick) {
  if (all.length === 0) return undefined;
  return element('fieldset', { class: 'picks' }, element('legend', { class: 'hidden' }, name), all.toReversed().map((one) => {
    const [first, second, third] = text(one);
    return element('label', {},
      element('input', { type: 'radio', name, checked: one === chosen, value: one.id ?? one.option, onchange: () => pick(one) }),
      element('span', { class: 'pick' }, element('b', {}, first), element('span', { class: 'quiet' }, second)),
      third && element('strong', { class: 'figure' }, third));
  }));
}

/** Asks what the cart costs at the chosen address, and shows it. Until the answer there is nothing to pay. */
async function quote(page) {
  const { choice, delivery } = page;
  const mine = page.turn = (page.turn ?? 0) + 1;
  choice.quotes = undefined;
  showSummary(page);
  if (!choice.address) return delivery.replaceChildren(element('p', { class: 'quiet' }, 'First say where it goes.'));
  const { country, postalCode } = choice.address;
  const ask = () => api('POST', `/carts/${segment(choice.cart.id)}/quotes`, { country, postalCode });
  let quotes;
  try {
    quotes = await ask().catch(async (error) => {
      if (error.status !== 409) throw error;
      // Something in it is no longer on sale.
      choice.cart = await dropUnsold(choice.cart);
      tell('Something in your cart is no longer on sale, and was taken out.');
      return ask();
    });
  } catch (error) {
    if (error.status === 401) throw error;
    const text = words(error, { 422: 'We cannot ship to this address. Choose another one.' });
    if (mine === page.turn) delivery.replaceChildren(element('p', { class: 'alert', role: 'alert' }, text));
    return undefined;
  }
  // Another address was chosen meanwhile.
  if (mine !== page.turn) return undefined;
  choice.quotes = quotes;
  const { options } = quotes;
  choice.option = options.find(({ option }) => option === choice.option?.option) ?? options[0];
  const text = ({ option, carrier, price, estimatedDays }) =>
    [option[0].toUpperCase() + option.slice(1), `${carrier}, ${count(estimatedDays, 'day', 'days')}`, money(price)];
  delivery.replaceChildren(picks('delivery', options.toReversed(), choice.option, text, (option) => {
    choice.option = option;
    showSummary(page);
  }));
  return showSummary(page);
}

function showSummary(page) {
  const { choice, summary } = page;
  const { cart, quotes, option } = choice;
  const total = quotes && option?.total;
  page.alert = element('p', { class: 'alert', role: 'alert' });
  const ready = total && choice.card;
  summary.replaceChildren(element('h2', {}, 'Your order'), lineList(cart.lines, (line) => element('span', { class: 'quiet' }, `Quantity ${line.quantity}`)),
    figures(['Subtotal', money(quotes?.subtotal ?? cart.subtotal)], ['Shipping', total ? money(option.price) : '–'], ['Total', total ? money(total) : '–', 'total']),
    ready ? button(`Pay ${money(total)}`, 'Paying …', () => pay(page), { class: 'wide', id: 'pay' })
      : element('p', { class: 'quiet' }, choice.address ? 'Say how you pay to place the order.' : 'Say where it goes and how you pay to place the order.'),
    page.alert);
}

async function pay(page) {
  const { choice, alert } = page;
  alert.textContent = '';
  const body = { addressId: choice.address.id, paymentMethodId: choice.card.id, shippingOption: choice.option.option, expectedTotal: choice.option.total };
  try {
    const order = await choice.pay(body);
    cartIsBought();
    location.hash = `#/orders/${segment(order.id)}?placed`;
  } catch (error) {
    await refused(page, error);
  }
}

async function refused(page, error) {
  const { choice, alert } = page;
  if (error.status === 401) return show();
  if (error.status !== 409) {
    alert.textContent = words(error, REFUSALS);
    return undefined;
  }
  const changed = error.document.total;
  if (changed) {
    // Not silently: the customer sees the new total, and presses the button again.
    const before = choice.option.total;
    choice.cart = await openCart() ?? choice.cart;
    await quote(page);
    tell(`The total has changed from ${money(before)} to ${money(changed)}. You have not been charged.`);
    return document.getElementById('pay')?.focus();
  }
  const cart = await openCart();
  const short = cart?.lines.find((line) => line.available < line.quantity);
  tell(short ? `There is not enough of ${short.title} left. You have not been charged.` : 'Your cart has changed in the meantime. You have not been charged.');
  location.hash = '#/cart';
  return undefined;
}
