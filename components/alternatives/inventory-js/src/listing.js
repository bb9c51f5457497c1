// The list of items: all of them by SKU, of a category, or found by words.

import { GOODS, Item } from './goods.js';
import { openCursor, makeCursor } from './cursor.js';
import { malformedParameter } from './problem.js';
import { scanJson } from './storage.js';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;
const QUERY_CHARACTERS_MAX = 200;

// One call reads at most so many items, so that it stays within its time.
const READ_MAX = 1_000;
const CHUNK = 100;

export function listItems(query, category, cursor, limit = LIMIT_DEFAULT) {
  const text = query ?? '';
  if ([...text].length > QUERY_CHARACTERS_MAX) throw malformedParameter('query', 'must be at most 200 characters');
  if (limit < 1 || limit > LIMIT_MAX) throw malformedParameter('limit', 'must be 1 to 100');
  const list = JSON.stringify(['items', category ?? null, text]);
  let after = null;
  if (cursor !== undefined) {
    after = openCursor(list, cursor);
    if (after === null) {
      throw malformedParameter('cursor', 'must be a `nextCursor` that this list gave, with the same filters');
    }
  }
  const { found, position } = find(wantedBy(text, category), after, limit);
  return { items: found, nextCursor: position === null ? undefined : makeCursor(list, position) };
}

// Whether an item is in the list.
function wantedBy(query, category) {
  const words = query.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return (details) => {
    if (details === null || (category !== undefined && details.category !== category)) return false;
    const texts = [details.title.toLowerCase(), details.description.toLowerCase()];
    return words.every((word) => texts.some((text) => text.includes(word)));
  };
}

// The items, and the SKU behind which the next page begins.
function find(isWanted, after, limit) {
  const found = [];
  let position = after;
  for (let read = 0; read < READ_MAX;) {
    const { documents, more } = scanJson(GOODS, position, CHUNK);
    for (const [place, { name, document }] of documents.entries()) {
      position = name;
      if (!isWanted(document.details)) continue;
      const item = new Item(document);
      const { title, description, category, price, image } = item.details;
      const amount = BigInt(price.amount);
      found.push({ sku: name, title, description, category, price: { ...price, amount }, image, available: item.available });
      if (found.length === limit) {
        const hasNext = more || documents.slice(place + 1).some(({ document }) => isWanted(document.details));
        return { found, position: hasNext ? position : null };
      }
    }
    if (!more) return { found, position: null };
    read += documents.length;
  }
  return { found, position };
}
