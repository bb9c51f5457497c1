// The shop's page: everything that it shows and does goes through the REST API.

import { api } from './js/api.js';
import { onCart, openCart } from './js/cart.js';
import { element } from './js/elements.js';
import { tell } from './js/notice.js';
import { cart } from './js/pages/cart.js';
import { checkout } from './js/pages/checkout.js';
import { CATEGORIES, goods } from './js/pages/goods.js';
import { item } from './js/pages/item.js';
import { orderPage, orders } from './js/pages/orders.js';
import { signInPage } from './js/pages/sign-in.js';
import { place, show, start } from './js/route.js';
import { onSession, session, setSession } from './js/store.js';

const pieces = document.getElementById('pieces');
const search = document.getElementById('search');

onCart((number) => {
  pieces.hidden = number === 0;
  pieces.textContent = number;
  pieces.setAttribute('aria-label', `${number} ${number === 1 ? 'piece' : 'pieces'}`);
});

function showSession() {
  for (const part of document.querySelectorAll('[data-signed-in]')) part.hidden = !session();
  for (const part of document.querySelectorAll('[data-signed-out]')) part.hidden = Boolean(session());
}

/** The number of pieces in the header; a shop that cannot be reached leaves it as it is, and the page says so. */
const refreshCart = () => openCart().catch(() => undefined);

onSession(showSession);
addEventListener('storage', refreshCart);
// Another tab or device may have changed the cart meanwhile.
addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return;
  if (place().path === '/cart') show({ keepsFocus: true });
  else refreshCart();
});

search.addEventListener('submit', (event) => {
  event.preventDefault();
  const query = new FormData(search).get('query').trim();
  location.hash = query ? `#/?query=${encodeURIComponent(query)}` : '#/';
});

document.getElementById('sign-out').addEventListener('click', async () => {
  const done = await api('DELETE', '/sessions/current').then(() => true, (error) => error.status === 401);
  setSession(undefined);
  await refreshCart();
  tell(done ? 'You are signed out. Your cart waits for you.' : 'You are signed out on this device. The shop could not be told.');
  if (place().path === '/') show();
  else location.hash = '#/';
});

document.getElementById('categories').append(...[['', 'Everything'], ...CATEGORIES].map(([name, title]) =>
  element('li', {}, element('a', { href: name ? `#/?category=${name}` : '#/', 'data-place': true }, title))));

showSession();
refreshCart();
start([
  [/^\/$/, goods], [/^\/items\/([^/]+)$/, item], [/^\/cart$/, cart], [/^\/sign-in$/, signInPage],
  [/^\/checkout$/, checkout], [/^\/orders$/, orders], [/^\/orders\/([^/]+)$/, orderPage],
], signInPage);
