// What orders hold or have bought: `order/<order>`, and `due/<time>/<order>` for those that expire.

import { getJson, setJson, setText, remove, scanKeys } from './storage.js';
import { invalid, malformedParameter, notFound } from './problem.js';
import { isSku } from './goods.js';

export const ORDERS = 'order/';
const DUE = 'due/';

const LINES_MAX = 100;
const QUANTITY_MAX = 1_000_000;

export const isOrderId = (text) => /^[A-Za-z0-9_-]{1,64}$/.test(text);

export const holding = (lines, status, expiresAt) => ({ lines, status, expiresAt });

// The lines ascending by SKU, those of one SKU added up.
export function mergeLines(lines) {
  for (const { sku } of lines) {
    if (!isSku(sku)) throw notFound('no such item');
  }
  const fault = faultOfLines(lines);
  if (fault !== null) throw invalid('/lines', fault);
  const sums = new Map();
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  const merged = [...sums].map(([sku, quantity]) => ({ sku, quantity }));
  // SKUs are ASCII, so that the order of JavaScript is that of their bytes.
  merged.sort((one, other) => (one.sku < other.sku ? -1 : 1));
  if (merged.some(({ quantity }) => quantity > QUANTITY_MAX)) throw invalid('/lines', TOO_MANY);
  return merged;
}

const TOO_MANY = 'an order takes 1 to 1,000,000 of an item';

// What is wrong with the lines of an order.
export function faultOfLines(lines) {
  if (lines.length < 1 || lines.length > LINES_MAX) return 'an order has 1 to 100 lines';
  return lines.every(({ quantity }) => quantity >= 1 && quantity <= QUANTITY_MAX) ? null : TOO_MANY;
}

// What one order holds.
export class Orders {
  constructor(orderId) {
    if (!isOrderId(orderId)) throw malformedParameter('order-id', 'must be an id');
    this.orderId = orderId;
  }

  get() {
    return getJson(ORDERS + this.orderId);
  }

  replace(before, after) {
    if (before?.status === 'held') remove(this.#dueKey(before));
    if (after === null) {
      remove(ORDERS + this.orderId);
      return;
    }
    setJson(ORDERS + this.orderId, after);
    if (after.status === 'held') setText(this.#dueKey(after), '');
  }

  #dueKey({ expiresAt }) {
    return `${DUE}${expiresAt}/${this.orderId}`;
  }

  // The orders that have expired, the earliest first, at most `limit` of them.
  static dueBy(time, limit) {
    const places = scanKeys(DUE, limit).map((key) => key.slice(DUE.length).split('/'));
    return places.filter(([expiresAt]) => expiresAt <= time).map(([, orderId]) => orderId);
  }
}
