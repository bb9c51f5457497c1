// Signing in, and creating an account.

import { api, attempt } from '../api.js';
import { openCart } from '../cart.js';
import { element, heading } from '../elements.js';
import { field, form } from '../forms.js';
import { place, show } from '../route.js';
import { setSession } from '../store.js';

const EMAIL = 'Enter an e-mail address such as name@example.com.';
const NO_MATCH = 'E-mail address and password do not match. Check both and try again.';

export async function signInPage() {
  const title = 'Sign in';
  const email = (own) => field('E-mail', { name: 'email', type: 'email', autocomplete: 'email', maxlength: 254, wrong: EMAIL, ...own });
  const lead = place().path !== '/sign-in' && element('p', {}, 'Sign in or create an account to go on.');
  return { title, parts: [heading(title), lead, element('div', { class: 'halves' },
    element('section', { class: 'card' }, form({
      title: 'I have an account', submit: 'Sign in', busy: 'Signing in …', act: signIn,
      fields: [email({ autocomplete: 'username' }), field('Password', { name: 'password', type: 'password', autocomplete: 'current-password', wrong: 'Enter your password.' })],
      refusals: { 401: [NO_MATCH, 'password'] },
    })),
    element('section', { class: 'card' }, form({
      title: 'I am new here', submit: 'Create account', busy: 'Creating your account …', act: signUp(),
      fields: [
        field('Name', { name: 'name', autocomplete: 'name', maxlength: 100, wrong: 'Enter your name.' }), email(),
        field('Password', { name: 'password', type: 'password', autocomplete: 'new-password', minlength: 8, maxlength: 256,
          hint: 'At least 8 characters.', wrong: 'Use a password of at least 8 characters.' }),
      ],
      refusals: { 409: ['There is an account with this e-mail address already. Sign in instead.', 'email'] },
    })))] };
}

async function signIn({ email, password }) {
  setSession(await api('POST', '/sessions', { email, password }));
  // What was put into the cart before goes into the customer's.
  const cart = await openCart();
  // Someone who wanted another page gets it now.
  if (place().path !== '/sign-in') return show();
  location.hash = cart?.lines.length ? '#/cart' : '#/';
}

function signUp() {
  const create = attempt('POST', '/accounts');
  let made;
  return async (values) => {
    // When only the sign-in behind it failed, the account is there.
    if (made !== values.email) await create(values);
    made = values.email;
    await signIn(values);
  };
}
