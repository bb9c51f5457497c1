// The state of the service as its contract has it: `item/<sku>` and `reservation/<order-id>`.

import { GOODS, Goods, Item, isSku } from './goods.js';
import { ORDERS, Orders, faultOfLines, holding, isOrderId } from './orders.js';
import { Faults } from './problem.js';
import { checkDetails } from './rules.js';
import { scanJson } from './storage.js';
import { parseTime } from './time.js';

const ITEM = 'item/';
const RESERVATION = 'reservation/';

export const state = {
  exportState(after, until, limit) {
    const page = new Page(after ?? null, until ?? null, limit);
    page.add(ITEM, GOODS, (document) => (document.details === null ? null : itemState(document)));
    page.add(RESERVATION, ORDERS, (held) => ({ tag: 'reservation', val: held }));
    return page.entries;
  },

  importState(changes) {
    for (const { key, value } of changes) {
      const faults = new Faults();
      put(key, value ?? null, faults);
      if (faults.list.length > 0) {
        throw `${key}: ${faults.list.map(({ field, detail }) => `${field}: ${detail}`).join('; ')}`;
      }
    }
  },
};

// A page of entities, in the order of their keys.
class Page {
  entries = [];

  constructor(after, until, limit) {
    Object.assign(this, { after, until, limit });
  }

  // Adds the entities of one kind, read from the documents under `stored`; one for which `entity` gives nothing is
  // none. Call it for each kind in the order of `prefix`.
  add(prefix, stored, entity) {
    let position = null;
    if (this.after?.startsWith(prefix)) position = this.after.slice(prefix.length) || null;
    else if (this.after !== null && this.after > prefix) return;
    while (this.entries.length < this.limit) {
      const { documents, more } = scanJson(stored, position, this.limit - this.entries.length);
      for (const { name, document } of documents) {
        position = name;
        const key = prefix + name;
        if (this.until !== null && key > this.until) return;
        const value = entity(document);
        if (value !== null) this.entries.push({ key, value });
      }
      if (!more) return;
    }
  }
}

function itemState(document) {
  const { details, onHand, sold } = new Item(document);
  const { title, description, category, price, image, weightGrams } = details;
  const amount = BigInt(price.amount);
  return {
    tag: 'item',
    val: { title, description, category, price: { ...price, amount }, image, weightGrams, onHand, sold },
  };
}

function put(key, entity, faults) {
  if (key.startsWith(ITEM) && isSku(key.slice(ITEM.length)) && (entity === null || entity.tag === 'item')) {
    putItem(key.slice(ITEM.length), entity?.val ?? null, faults);
  } else if (key.startsWith(RESERVATION) && isOrderId(key.slice(RESERVATION.length))
    && (entity === null || entity.tag === 'reservation')) {
    putReservation(key.slice(RESERVATION.length), entity?.val ?? null, faults);
  } else {
    faults.add('', 'no entity of this service has such a key and value');
  }
}

// No event is emitted: the implementation that the state comes from has emitted it.
function putItem(sku, value, faults) {
  const details = value === null ? null : checkDetails(value, faults);
  if (faults.list.length > 0) return;
  const goods = new Goods();
  const item = goods.of(sku);
  item.details = details;
  item.onHand = value?.onHand ?? 0;
  item.sold = value?.sold ?? 0n;
  goods.save();
}

// This may hold more than there is: the item may come later.
function putReservation(orderId, value, faults) {
  const after = value === null ? null : checkReservation(value, faults);
  if (faults.list.length > 0) return;
  const orders = new Orders(orderId);
  const before = orders.get();
  const goods = new Goods();
  for (const { sku, quantity } of heldLines(before)) goods.of(sku).letGo(quantity);
  for (const { sku, quantity } of heldLines(after)) goods.of(sku).held += quantity;
  goods.save();
  orders.replace(before, after);
}

const heldLines = (held) => (held?.status === 'held' ? held.lines : []);

function checkReservation({ lines, status, expiresAt }, faults) {
  const isAscending = lines.every(({ sku }, place) => place === 0 || lines[place - 1].sku < sku);
  faults.check(lines.every(({ sku }) => isSku(sku)), '/lines', 'names no SKU');
  faults.check(isAscending, '/lines', 'must be ascending by SKU, each once');
  const fault = faultOfLines(lines);
  if (fault !== null) faults.add('/lines', fault);
  const time = parseTime(expiresAt);
  faults.check(time !== null, '/expiresAt', 'must be a time in UTC');
  return holding(lines, status, time);
}
