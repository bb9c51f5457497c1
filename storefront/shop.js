// The shop's page: everything that it shows and does goes through the REST API.

const content = document.getElementById('content');
const notice = document.getElementById('notice');
const kept = {
  get: (name) => JSON.parse(localStorage.getItem(name)),
  set: (name, value) => localStorage.setItem(name, JSON.stringify(value)),
  remove: (name) => localStorage.removeItem(name),
};

// ---- the API

class Problem extends Error {
  constructor(status, document) {
    const faults = (document.errors ?? []).map((fault) => `${fault.field ?? fault.parameter ?? ''}: ${fault.detail}`);
    super([document.detail ?? document.title ?? `The shop answers ${status}`, ...faults].join('\n'));
    this.status = status;
  }
}

async function api(method, path, body, key) {
  const headers = {};
  const session = kept.get('session');
  if (session) headers.Authorization = `Bearer ${session.token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (key) headers['Idempotency-Key'] = key;
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  const json = text ? JSON.parse(text) : undefined;
  if (answer.ok) return json;
  // A token that is no longer good must not stand in the way of what needs none.
  if (answer.status === 401 && session) {
    forgetCustomer();
    if (method === 'GET') return api(method, path);
  }
  throw new Problem(answer.status, json ?? {});
}

const segment = encodeURIComponent;
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

// ---- making elements; text is always text, never markup

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== false));
  return made;
}

const money = ({ amount, currency }) => {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
};
const field = (label, attributes) => element('label', {}, element('span', {}, label), element('input', { required: true, ...attributes }));
const choice = (label, name, options) => element('label', {}, element('span', {}, label),
  element('select', { name, required: true }, options.map(([value, text]) => element('option', { value }, text))));

/** A form that does `act` with its values, shows what went wrong, and is not sent twice at once. */
function form(heading, fields, button, act) {
  const problem = element('p', { class: 'bad', role: 'alert', hidden: true });
  const submit = element('button', {}, button);
  const made = element('form', { class: 'card' }, heading && element('h2', {}, heading), fields, problem, submit);
  made.addEventListener('submit', async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.hidden = true;
    try {
      await act(Object.fromEntries(new FormData(made)));
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
    submit.disabled = false;
  });
  return made;
}

function tell(text) {
  notice.textContent = text;
  notice.hidden = false;
  setTimeout(() => { notice.hidden = true; }, 4000);
}

// ---- customer and cart

function forgetCustomer() {
  kept.remove('session');
  kept.remove('cart');
  header();
}

function header(cart) {
  const signedIn = Boolean(kept.get('session'));
  for (const part of document.querySelectorAll('[data-signed-in]')) part.hidden = !signedIn;
  for (const part of document.querySelectorAll('[data-signed-out]')) part.hidden = signedIn;
  if (cart) kept.set('pieces', cart.lines.reduce((sum, line) => sum + line.quantity, 0));
  document.getElementById('pieces').textContent = kept.get('cart') ? kept.get('pieces') ?? 0 : 0;
}

/** The open cart, or nothing. One that is gone or bought is forgotten. */
async function openCart() {
  const id = kept.get('cart');
  if (!id) return undefined;
  try {
    const cart = await api('GET', `/carts/${segment(id)}`);
    if (cart.status === 'open') return cart;
  } catch (error) {
    if (error.status !== 404 && error.status !== 401) throw error;
  }
  kept.remove('cart');
  header();
  return undefined;
}

async function setLine(sku, quantity) {
  let cart = await openCart();
  if (!cart) {
    cart = await api('POST', '/carts', undefined, newKey());
    kept.set('cart', cart.id);
  }
  const path = `/carts/${segment(cart.id)}/lines/${segment(sku)}`;
  const changed = quantity > 0 ? await api('PUT', path, { quantity }) : await api('DELETE', path);
  header(changed);
  return changed;
}

async function signIn({ email, password }) {
  kept.set('session', await api('POST', '/sessions', { email, password }));
  const id = kept.get('cart');
  if (id) {
    const claimed = await api('POST', `/carts/${segment(id)}/claim`, undefined, newKey()).catch(() => undefined);
    if (claimed) kept.set('cart', claimed.id);
  }
  header();
  location.hash = kept.get('cart') ? '#/cart' : '#/';
}

// ---- pages

async function goods(parameters) {
  const page = new URLSearchParams(parameters);
  page.set('limit', '24');
  const { items, nextCursor } = await api('GET', `/items?${page}`);
  const category = parameters.get('category');
  const categories = ['kitchen', 'home', 'desk', 'outdoor'];
  const list = element('ul', { class: 'goods' }, items.map(good));
  const more = element('button', { class: 'plain', hidden: !nextCursor }, 'Show more');
  let cursor = nextCursor;
  more.addEventListener('click', async () => {
    page.set('cursor', cursor);
    const next = await api('GET', `/items?${page}`);
    list.append(...next.items.map(good));
    cursor = next.nextCursor;
    more.hidden = !cursor;
  });
  return [
    element('ul', { class: 'categories' },
      element('li', {}, element('a', { href: '#/', 'aria-current': !category && 'page' }, 'All')),
      categories.map((name) => element('li', {},
        element('a', { href: `#/?category=${name}`, 'aria-current': category === name && 'page' }, name)))),
    items.length ? list : element('p', {}, 'Nothing here is like that.'), more,
  ];
}

const good = (item) => element('li', {}, element('a', { href: `#/items/${segment(item.sku)}` },
  element('img', { src: item.image, alt: '', loading: 'lazy', width: 320, height: 320 }),
  element('div', {}, element('span', {}, item.title), element('strong', {}, money(item.price)))));

async function item(_parameters, sku) {
  const found = await api('GET', `/items/${segment(sku)}`);
  const quantity = field('Quantity', { name: 'quantity', type: 'number', min: 1, max: 1000, value: 1 });
  const stock = found.available > 0 ? `${found.available} in stock` : 'Out of stock';
  return element('article', { class: 'item' },
    element('img', { src: found.image, alt: found.title, width: 320, height: 320 }),
    element('div', {},
      element('h1', {}, found.title), element('p', {}, found.description),
      element('p', { class: 'price' }, money(found.price)), element('p', { class: 'quiet' }, stock),
      form('', quantity, 'Put into the cart', async (values) => {
        const inCart = (await openCart())?.lines.find((line) => line.sku === sku)?.quantity ?? 0;
        await setLine(sku, Math.min(1000, inCart + Number(values.quantity)));
        tell(`${found.title} is in your cart.`);
      })));
}

const lineTable = (lines, quantity) => element('table', {},
  element('thead', {}, element('tr', {}, element('th', {}, 'Item'), element('th', {}, 'Quantity'), element('th', { class: 'figure' }, 'Total'))),
  element('tbody', {}, lines.map((line) => element('tr', {},
    element('td', {}, element('a', { href: `#/items/${segment(line.sku)}` }, line.title)),
    element('td', {}, quantity(line)), element('td', { class: 'figure' }, money(line.total))))));

async function cart() {
  const open = await openCart();
  if (!open?.lines.length) return [element('h1', {}, 'Your cart'), element('p', {}, 'It is empty.')];
  header(open);
  const quantity = (line) => element('input', {
    type: 'number', min: 0, max: 1000, value: line.quantity, 'aria-label': `Quantity of ${line.title}; 0 takes it out`,
    onchange: async (event) => {
      await setLine(line.sku, Number(event.target.value)).catch((error) => tell(error.message));
      show();
    },
  });
  return [
    element('h1', {}, 'Your cart'), lineTable(open.lines, quantity),
    element('p', { class: 'price figure' }, money(open.subtotal)),
    element('button', { onclick: () => { location.hash = kept.get('session') ? '#/checkout' : '#/sign-in'; } }, 'Check out'),
  ];
}

function signInPage() {
  const fields = () => [
    field('E-mail', { name: 'email', type: 'email', autocomplete: 'email' }),
    field('Password', { name: 'password', type: 'password', minlength: 8, maxlength: 256, autocomplete: 'current-password' }),
  ];
  return [
    element('h1', {}, 'Your account'),
    form('Sign in', fields(), 'Sign in', signIn),
    form('I am new here', [field('Name', { name: 'name', autocomplete: 'name' }), ...fields()], 'Sign up', async (values) => {
      await api('POST', '/accounts', values);
      await signIn(values);
    }),
  ];
}

async function checkout() {
  const session = kept.get('session');
  if (!session) return signInPage();
  const [open, account] = await Promise.all([openCart(), api('GET', `/accounts/${segment(session.accountId)}`)]);
  if (!open) return cart();
  const address = account.addresses.at(-1);
  const method = account.paymentMethods.at(-1);
  const base = `/accounts/${segment(account.id)}`;
  if (!address) return [element('h1', {}, 'Where to?'), addressForm(base)];
  if (!method) return [element('h1', {}, 'How will you pay?'), methodForm(base)];
  // What the goods weigh is the shop's business: the order has the exact price.
  const quote = { country: address.country, postalCode: address.postalCode, weightGrams: 1000 };
  const { options } = await api('POST', '/shipping/quotes', quote);
  let key = newKey();
  const pay = form('', [
    choice('Ship to', 'addressId', account.addresses.map((one) => [one.id, `${one.recipient}, ${one.line1}, ${one.city}`]).reverse()),
    choice('Shipping (for 1 kg)', 'shippingOption', options.map((one) =>
      [one.option, `${one.carrier}, ${money(one.price)}, ${one.estimatedDays} days`])),
    choice('Pay with', 'paymentMethodId', account.paymentMethods.map((one) => [one.id, `${one.brand} ending in ${one.last4}`]).reverse()),
  ], `Buy for ${money(open.subtotal)} and shipping`, async (values) => {
    try {
      const order = await api('POST', `/carts/${segment(open.id)}/checkout`, values, key);
      kept.remove('cart');
      header();
      location.hash = `#/orders/${segment(order.id)}`;
    } catch (error) {
      // The same attempt keeps its key only while nobody knows how it ended.
      if (error instanceof Problem && error.status < 500) key = newKey();
      throw error;
    }
  });
  pay.addEventListener('change', () => { key = newKey(); });
  return [element('h1', {}, 'Check out'), pay,
    element('details', {}, element('summary', {}, 'Another address or card'), addressForm(base), methodForm(base))];
}

const optional = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));

const addressForm = (base) => form('Address', [
  field('Recipient', { name: 'recipient', autocomplete: 'name' }), field('Street and number', { name: 'line1', autocomplete: 'address-line1' }),
  field('More of the address', { name: 'line2', required: false }),
  element('div', { class: 'two' }, field('Postal code', { name: 'postalCode', autocomplete: 'postal-code' }), field('City', { name: 'city' }),
    field('Region', { name: 'region', required: false }), field('Country (such as DE)', { name: 'country', pattern: '[A-Z]{2}', maxlength: 2 })),
], 'Add the address', async (values) => {
  await api('POST', `${base}/addresses`, optional(values), newKey());
  show();
});

const methodForm = (base) => form('Card', [
  choice('Test card', 'token', [['tok_ok', 'is charged'], ['tok_declined', 'is declined'],
    ['tok_insufficient_funds', 'has no funds'], ['tok_slow', 'takes two seconds'], ['tok_error', 'cannot be reached']]),
  element('div', { class: 'two' }, field('Brand', { name: 'brand', value: 'visa' }),
    field('Last four digits', { name: 'last4', value: '4242', pattern: '[0-9]{4}' }),
    field('Month', { name: 'expiryMonth', type: 'number', min: 1, max: 12, value: 12 }),
    field('Year', { name: 'expiryYear', type: 'number', min: 2024, max: 2099, value: new Date().getFullYear() + 2 })),
], 'Add the card', async (values) => {
  const card = { ...values, expiryMonth: Number(values.expiryMonth), expiryYear: Number(values.expiryYear) };
  await api('POST', `${base}/payment-methods`, card, newKey());
  show();
});

async function orders() {
  const { items } = await api('GET', '/orders?limit=50');
  return [
    element('h1', {}, 'Your orders'),
    items.length === 0 && element('p', {}, 'You have not ordered anything yet.'),
    items.map((order) => element('a', { class: 'card', href: `#/orders/${segment(order.id)}` },
      element('p', {}, element('strong', {}, money(order.total)), ` · ${order.status} · ${new Date(order.placedAt).toLocaleString()}`),
      element('p', { class: 'quiet' }, order.lines.map((line) => `${line.quantity} × ${line.title}`).join(', ')))),
  ];
}

async function orderPage(_parameters, id) {
  const order = await api('GET', `/orders/${segment(id)}`);
  const row = (name, value) => element('tr', {}, element('th', {}, name), element('td', { class: 'figure' }, value));
  const open = ['placed', 'packed'].includes(order.status);
  return [
    element('h1', {}, `Order: ${order.status}`), lineTable(order.lines, (line) => String(line.quantity)),
    element('table', {}, element('tbody', {}, row('Goods', money(order.subtotal)), row('Shipping', money(order.shipping)),
      row('Total', money(order.total)), row('Payment', order.payment.status),
      row('Shipment', `${order.shipment.status} (${order.shipment.trackingNumber})`), row('Order', order.id))),
    open && form('', [], 'Cancel the order', async () => {
      await api('POST', `/orders/${segment(id)}/cancel`, undefined, newKey());
      show();
    }),
  ];
}

// ---- which page is shown

const pages = [
  [/^\/$/, goods], [/^\/items\/([^/]+)$/, item], [/^\/cart$/, cart], [/^\/sign-in$/, signInPage],
  [/^\/checkout$/, checkout], [/^\/orders$/, orders], [/^\/orders\/([^/]+)$/, orderPage],
];
let shown = 0;

async function show() {
  const turn = ++shown;
  const [path, query] = (location.hash.slice(1) || '/').split('?');
  const [page, part] = pages.map(([pattern, page]) => [page, path.match(pattern)]).find(([, match]) => match) ?? [];
  let made;
  try {
    if (!page) throw new Error('There is no such page.');
    made = await page(new URLSearchParams(query), ...part.slice(1).map(decodeURIComponent));
  } catch (error) {
    made = error.status === 401 ? signInPage() : element('p', { class: 'bad' }, error.message);
  }
  // Whoever went on meanwhile is not brought back.
  if (turn !== shown) return;
  content.replaceChildren(...[made].flat(2).filter(Boolean));
  content.focus({ preventScroll: true });
}

document.getElementById('search').addEventListener('submit', (event) => {
  event.preventDefault();
  const query = new FormData(event.target).get('query').trim();
  location.hash = query ? `#/?query=${segment(query)}` : '#/';
});
document.getElementById('sign-out').addEventListener('click', async () => {
  await api('DELETE', '/sessions/current').catch(() => undefined);
  forgetCustomer();
  location.hash = '#/';
  show();
});
addEventListener('hashchange', () => { window.scrollTo(0, 0); show(); });
header();
show();
