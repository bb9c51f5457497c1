// A third inventory for the shop's contract: one document for each item, which has its stock too.
//
// The names of the exports and of all fields are those of the contract in camelCase.

import { stockChanged } from 'shop:events/stock-events@1.0.0';
import { Goods, isSku } from './goods.js';
import { listItems } from './listing.js';
import { Orders, holding, mergeLines } from './orders.js';
import { Faults, conflict, invalid, invalidParameter, notFound } from './problem.js';
import { checkDetails } from './rules.js';
import { answered, now, plusSeconds } from './time.js';

export { state } from './state.js';

// How long an order may hold stock that it has not bought.
const HELD_SECONDS = 15 * 60;

// One delivery brings at most so many pieces.
const RECEIPT_MAX = 1_000_000;

// Prices in one call: several times a full cart.
const PRICED_MAX = 1_000;

// Keys that one run of the expiry writes: one for each line, two for each order. A commit writes at most 512.
const EXPIRY_KEYS_MAX = 400;
const EXPIRY_ORDERS_MAX = EXPIRY_KEYS_MAX / 3;

export const migration = {
  describe: () => ({ format: 'alternative-inventory-js', version: 0, readsUpTo: 0, pauseMsMax: 0 }),
  migrate(from) {
    // The host calls it only for data of an earlier version, and 0 is the first.
    throw `there is no data of version ${from}`;
  },
};

export const inventory = {
  listItems,

  getItem: (sku) => answer(sku, onSale(new Goods(), sku)),

  putItem(sku, details) {
    if (!isSku(sku)) throw invalidParameter('sku', 'must be 1 to 64 letters, digits, `.`, `_` and `-`, a letter or digit first');
    const faults = new Faults();
    const checked = checkDetails(details, faults);
    faults.end();
    const goods = new Goods();
    const item = goods.of(sku);
    item.details = checked;
    goods.save();
    return answer(sku, item);
  },

  receiveStock(sku, { quantity }) {
    const goods = new Goods();
    const item = onSale(goods, sku);
    if (quantity < 1 || quantity > RECEIPT_MAX) throw invalid('/quantity', 'must be 1 to 1,000,000');
    item.add(quantity);
    save(goods);
    return answer(sku, item);
  },

  priceItems(skus) {
    if (skus.length > PRICED_MAX) throw invalid('/skus', 'must be at most 1,000');
    const goods = new Goods();
    return skus.map((sku) => {
      const { details: { title, price, weightGrams }, available } = onSale(goods, sku);
      return { sku, title, price: money(price), weightGrams, available };
    });
  },

  reserve(orderId, lines) {
    const orders = new Orders(orderId);
    const merged = mergeLines(lines);
    const earlier = orders.get();
    if (earlier !== null && sameLines(earlier.lines, merged)) return reservation(orderId, earlier);
    const goods = new Goods();
    if (earlier !== null) giveUp(goods, earlier);
    for (const { sku, quantity } of merged) {
      const item = isSku(sku) ? goods.of(sku) : undefined;
      if (!item?.details) throw notFound(`no item ${sku}`);
      if (quantity > item.available) throw conflict(`${sku}: only ${item.available} left`);
      item.held += quantity;
    }
    const held = holding(merged, 'held', plusSeconds(now(), HELD_SECONDS));
    save(goods);
    orders.replace(earlier, held);
    return reservation(orderId, held);
  },

  confirm(orderId) {
    const orders = new Orders(orderId);
    const held = orders.get();
    if (held === null) throw notFound('the order holds nothing');
    if (held.status === 'sold') return;
    const goods = new Goods();
    for (const { sku, quantity } of held.lines) goods.of(sku).sell(sku, quantity);
    save(goods);
    orders.replace(held, { ...held, status: 'sold' });
  },

  release(orderId) {
    const orders = new Orders(orderId);
    const held = orders.get();
    if (held !== null) letGo(orders, held);
  },

  expireReservations() {
    let left = EXPIRY_KEYS_MAX;
    for (const orderId of Orders.dueBy(now(), Math.floor(EXPIRY_ORDERS_MAX))) {
      const orders = new Orders(orderId);
      const held = orders.get();
      left -= held.lines.length + 2;
      if (left < 0) return;
      letGo(orders, held);
    }
  },
};

function onSale(goods, sku) {
  const item = isSku(sku) ? goods.of(sku) : undefined;
  if (!item?.details) throw notFound('no such item');
  return item;
}

function answer(sku, item) {
  const { title, description, category, price, image } = item.details;
  return { sku, title, description, category, price: money(price), image, available: item.available };
}

// An s64 of a contract is a BigInt.
function money({ amount, currency }) {
  return { amount: BigInt(amount), currency };
}

function reservation(orderId, { lines, expiresAt }) {
  return { orderId, lines, expiresAt: answered(expiresAt) };
}

function sameLines(one, other) {
  return one.length === other.length
    && one.every(({ sku, quantity }, place) => sku === other[place].sku && quantity === other[place].quantity);
}

function giveUp(goods, { lines, status }) {
  for (const { sku, quantity } of lines) {
    if (status === 'sold') goods.of(sku).giveBack(quantity);
    else goods.of(sku).letGo(quantity);
  }
}

function letGo(orders, held) {
  const goods = new Goods();
  giveUp(goods, held);
  save(goods);
  orders.replace(held, null);
}

// Stores the items that have changed, and emits an event for each of which more or fewer pieces are on hand.
function save(goods) {
  for (const { sku, onHand } of goods.save()) stockChanged(sku, onHand);
}
