// Calls of the shop's REST API.

import { session, setSession } from './store.js';

/** A refusal of the shop; `status` is 0 when there was no answer at all. */
export class Problem extends Error {
  constructor(status, document, retryAfterS) {
    super(document.detail ?? document.title ?? `status ${status}`);
    this.status = status;
    this.document = document;
    this.retryAfterS = retryAfterS;
  }
}

/** A part of a path. */
export const segment = encodeURIComponent;

/** A new idempotency key: a request that is repeated with it takes effect once. */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Sends a request. A session that has ended is forgotten, and what needs none is asked again without it. */
export async function api(method, path, body, key) {
  const signedIn = session();
  const headers = {};
  if (signedIn) headers.Authorization = `Bearer ${signedIn.token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (key) headers['Idempotency-Key'] = key;
  let answer;
  let json;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    json = text ? JSON.parse(text) : undefined;
  } catch {
    throw new Problem(answer?.status ?? 0, {});
  }
  if (answer.ok) return json;
  if (answer.status === 401 && signedIn) {
    setSession(undefined);
    if (method === 'GET') return api(method, path);
  }
  throw new Problem(answer.status, json ?? {}, Number(answer.headers.get('Retry-After')) || undefined);
}

/**
 * Sends a body that must take effect once. While nobody knows how an attempt ended, the same body goes out with the same key
 * again; after an answer the next attempt is a new one.
 */
export function attempt(method, path) {
  let key;
  let last;
  return async (body) => {
    const text = JSON.stringify(body);
    if (text !== last) [key, last] = [newKey(), text];
    try {
      const answer = await api(method, path, body, key);
      last = undefined;
      return answer;
    } catch (error) {
      if (error.status > 0 && error.status < 500) last = undefined;
      throw error;
    }
  };
}
