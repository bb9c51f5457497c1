// Cursors: the position in a list, behind a checksum that tells cursors of this list from any other text. They are no
// secret: whoever makes one up only begins the list elsewhere.

const CHECK_CHARACTERS = 8;

export function makeCursor(list, position) {
  return checksum(list, position) + base64url(position);
}

// The position, or null for a text that is no cursor of this list.
export function openCursor(list, cursor) {
  const position = fromBase64url(cursor.slice(CHECK_CHARACTERS));
  return position !== null && makeCursor(list, position) === cursor ? position : null;
}

// FNV-1a, of 32 bits.
function checksum(list, position) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${list}\n${position}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash.toString(16).padStart(CHECK_CHARACTERS, '0');
}

// Positions are SKUs, and so ASCII.
const base64url = (text) => btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null;
  try {
    return atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  } catch {
    return null;
  }
}
