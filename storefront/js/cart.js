// The cart: a customer's is found through the shop, a guest's through its id in this browser.

import { api, newKey, segment } from './api.js';
import { read, remove, session, write } from './store.js';

/** The most pieces of one item that a cart holds. */
export const QUANTITY_MAX = 1000;

const listeners = [];

/** Calls `listener` with the number of pieces in the cart whenever it may have changed. */
export const onCart = (listener) => listeners.push(listener);

/** The open cart, or nothing. */
export async function openCart() {
  return seen(session() ? await customersCart() : await guestsCart());
}

/** Puts more pieces of an item into the cart. */
export const addToCart = (sku, more) => inTurn(async () => {
  const cart = await openCart();
  const before = cart?.lines.find((line) => line.sku === sku)?.quantity ?? 0;
  return put(cart, sku, Math.min(QUANTITY_MAX, before + more));
});

/** Sets how many pieces of an item the cart holds; 0 takes the item out. */
export const setQuantity = (sku, quantity) => inTurn(async () => put(await openCart(), sku, quantity));

/** Takes items out that are no longer sold. The shop shows a cart without them, but a checkout is refused until they are out. */
export async function dropUnsold(cart) {
  const [line] = cart.lines;
  return line ? seen(await setLine(cart, line.sku, line.quantity)) : cart;
}

/** Tells the header that there is no open cart any more. */
export const cartIsBought = () => seen(undefined);

let last = Promise.resolve();

/** Changes reach the shop one after the other, so that the last one counts. */
function inTurn(change) {
  last = last.then(change, change);
  return last;
}

async function customersCart() {
  await claimGuestsCart();
  try {
    return await api('GET', '/carts/current');
  } catch (error) {
    if (error.status === 404) return undefined;
    // The session has ended, so the customer is a guest until they sign in again.
    if (error.status === 401) return guestsCart();
    throw error;
  }
}

async function guestsCart() {
  const id = read('cart');
  if (typeof id !== 'string') return undefined;
  try {
    const cart = await api('GET', `/carts/${segment(id)}`);
    if (cart.status === 'open') return cart;
  } catch (error) {
    if (error.status !== 401 && error.status !== 404) throw error;
  }
  remove('cart');
  return undefined;
}

/** What was put into a guest's cart before the sign-in goes into the customer's. */
async function claimGuestsCart() {
  const id = read('cart');
  if (typeof id !== 'string') return;
  try {
    await api('POST', `/carts/${segment(id)}/claim`);
  } catch (error) {
    // It is gone, or bought, or does not fit: it must not stand in the way.
    if (![400, 404, 409].includes(error.status)) throw error;
  }
  remove('cart');
}

async function put(open, sku, quantity) {
  let cart = open ?? await newCart();
  try {
    return seen(await setLine(cart, sku, quantity));
  } catch (error) {
    // The session ended meanwhile: a guest may go on, and signs in when it comes to buying.
    if (error.status !== 401) throw error;
    cart = await guestsCart() ?? await newCart();
    return seen(await setLine(cart, sku, quantity));
  }
}

function setLine(cart, sku, quantity) {
  const path = `/carts/${segment(cart.id)}/lines/${segment(sku)}`;
  return quantity > 0 ? api('PUT', path, { quantity }) : api('DELETE', path);
}

async function newCart() {
  const key = newKey();
  const make = () => api('POST', '/carts', undefined, key);
  const cart = await make().catch((error) => (error.status === 401 ? make() : Promise.reject(error)));
  if (!cart.accountId) write('cart', cart.id);
  return cart;
}

function seen(cart) {
  const pieces = cart?.lines.reduce((sum, line) => sum + line.quantity, 0) ?? 0;
  listeners.forEach((listener) => listener(pieces));
  return cart;
}
