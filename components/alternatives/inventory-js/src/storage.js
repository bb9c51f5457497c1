// The store of the host, with values of JSON.

import { get, set, delete as deleteKey, scan } from 'switchyard:service/store@0.1.0';

// The host gives at most so many entries in one scan.
const SCAN_MAX = 1_000;

const encode = (text) => new TextEncoder().encode(text);
const decode = (bytes) => new TextDecoder().decode(bytes);

export function getJson(key) {
  const value = get(key);
  // An `option` is `undefined` where there is nothing.
  return value === undefined ? null : JSON.parse(decode(value));
}

export const setJson = (key, value) => set(key, encode(JSON.stringify(value)));
export const setText = (key, text) => set(key, encode(text));
export const remove = (key) => deleteKey(key);

export function scanKeys(prefix, limit) {
  return scan(prefix, undefined, 'ascending', Math.min(limit, SCAN_MAX)).entries.map(({ key }) => key);
}

// The documents under `prefix` behind `after`, with the rest of their keys: `{ documents: [{ name, document }], more }`.
export function scanJson(prefix, after, limit) {
  const start = after === null ? undefined : prefix + after;
  const { entries, more } = scan(prefix, start, 'ascending', Math.min(limit, SCAN_MAX));
  const documents = entries.map(({ key, value }) => ({ name: key.slice(prefix.length), document: JSON.parse(decode(value)) }));
  return { documents, more };
}
