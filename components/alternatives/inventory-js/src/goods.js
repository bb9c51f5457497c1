// Items: a JSON document for each, under `goods/<sku>`, with what is sold and how much of it there is.
//
// An item that orders hold and that is not on sale has no `details`: its reservation came from another implementation
// before it did, or it was taken away.

import { getJson, setJson, remove } from './storage.js';
import { conflict } from './problem.js';

export const GOODS = 'goods/';

const COUNT_MAX = 0xffff_ffff;

export const isSku = (text) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text);

export class Item {
  constructor(document) {
    this.details = document?.details ?? null;
    this.onHand = document?.onHand ?? 0;
    this.held = document?.held ?? 0;
    // A u64 is a BigInt, which JSON does not have.
    this.sold = BigInt(document?.sold ?? 0);
  }

  get available() {
    return Math.max(this.onHand - this.held, 0);
  }

  add(quantity) {
    if (this.onHand + quantity > COUNT_MAX) throw conflict('more pieces than can be counted');
    this.onHand += quantity;
  }

  sell(sku, quantity) {
    if (quantity > this.held || quantity > this.onHand) throw conflict(`${sku}: fewer pieces are held than are sold`);
    this.letGo(quantity);
    this.onHand -= quantity;
    this.sold += BigInt(quantity);
  }

  letGo(quantity) {
    this.held = Math.max(this.held - quantity, 0);
  }

  giveBack(quantity) {
    this.add(quantity);
    const pieces = BigInt(quantity);
    this.sold = this.sold > pieces ? this.sold - pieces : 0n;
  }

  get isEmpty() {
    return this.details === null && this.held === 0;
  }

  toJSON() {
    const { details, onHand, held, sold } = this;
    return { details, onHand, held, sold: sold.toString() };
  }
}

// The items that one call changes, each read once.
export class Goods {
  #items = new Map();

  of(sku) {
    if (!this.#items.has(sku)) {
      const document = getJson(GOODS + sku);
      const item = new Item(document);
      this.#items.set(sku, { item, before: JSON.stringify(item), onHand: item.onHand });
    }
    return this.#items.get(sku).item;
  }

  // Writes what has changed. Gives the items of which more or fewer pieces are on hand than before.
  save() {
    const moved = [];
    for (const [sku, { item, before, onHand }] of this.#items) {
      if (item.isEmpty) remove(GOODS + sku);
      else if (JSON.stringify(item) !== before) setJson(GOODS + sku, item);
      if (item.onHand !== onHand) moved.push({ sku, onHand: item.onHand });
    }
    return moved;
  }
}
