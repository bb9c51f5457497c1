// What this browser keeps between visits: the session, and the id of a guest's cart.
//
// Where storage is blocked or broken, everything is kept in memory until the page is left.

const memory = new Map();

export function read(name) {
  try {
    const text = localStorage.getItem(name);
    if (text !== null) return JSON.parse(text);
  } catch {
    // Blocked, or written by something else.
  }
  return memory.get(name);
}

export function write(name, value) {
  memory.set(name, value);
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // Blocked or full: memory has it.
  }
}

export function remove(name) {
  memory.delete(name);
  try {
    localStorage.removeItem(name);
  } catch {
    // Blocked: nothing is there.
  }
}

// ---- the session

const listeners = [];

/** Calls `listener` whenever the customer signs in or out, here or in another tab. */
export const onSession = (listener) => listeners.push(listener);

/** The session, or nothing when nobody is signed in. Only the shop's clock says whether it is over. */
export function session() {
  const kept = read('session');
  return typeof kept?.token === 'string' ? kept : undefined;
}

export function setSession(session) {
  if (session) write('session', session);
  else remove('session');
  listeners.forEach((listener) => listener());
}

addEventListener('storage', ({ key }) => {
  if (key !== 'session' && key !== null) return;
  memory.delete('session');
  listeners.forEach((listener) => listener());
});
