// The forms for an address and for a card.

import { attempt } from '../api.js';
import { COUNTRIES, likelyCountry } from '../countries.js';
import { element } from '../elements.js';
import { field, form } from '../forms.js';
import { show } from '../route.js';

/** The cards of the test processor: its token, the brand, the last digits and what happens. */
const TEST_CARDS = [
  ['tok_ok', 'visa', '4242', 'the payment succeeds'],
  ['tok_slow', 'visa', '3155', 'succeeds after two seconds'],
  ['tok_declined', 'mastercard', '0002', 'is declined'],
  ['tok_insufficient_funds', 'mastercard', '9995', 'has no money on it'],
  ['tok_error', 'visa', '0119', 'the bank cannot be reached'],
];

const EXPIRY_YEARS = 12;

const filled = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));

export function addressForm(base, name) {
  const add = attempt('POST', `${base}/addresses`);
  const line = (label, attributes) => field(label, { maxlength: 100, ...attributes });
  return form({
    submit: 'Save address', busy: 'Saving …',
    fields: [
      line('Recipient', { name: 'recipient', autocomplete: 'name', value: name, wrong: 'Enter the name on the door.' }),
      line('Street and number', { name: 'line1', autocomplete: 'address-line1', wrong: 'Enter the street and the number.' }),
      line('Apartment, floor', { name: 'line2', autocomplete: 'address-line2', optional: true }),
      element('div', { class: 'two' },
        line('Postal code', { name: 'postalCode', autocomplete: 'postal-code', maxlength: 16, wrong: 'Enter the postal code.' }),
        line('City', { name: 'city', autocomplete: 'address-level2', wrong: 'Enter the city.' })),
      element('div', { class: 'two' },
        line('State or region', { name: 'region', autocomplete: 'address-level1', optional: true }),
        field('Country', { name: 'country', autocomplete: 'country', wrong: 'Choose a country.', value: likelyCountry(), options: [['', 'Choose a country'], ...COUNTRIES] })),
    ],
    act: async (values) => {
      await add(filled(values));
      await show();
    },
  });
}

export function cardForm(base) {
  const add = attempt('POST', `${base}/payment-methods`);
  const year = new Date().getFullYear();
  const years = Array.from({ length: EXPIRY_YEARS }, (_, ahead) => String(year + ahead));
  const months = Array.from({ length: 12 }, (_, month) => String(month + 1));
  const cards = TEST_CARDS.map(([token, brand, last4, what]) => [token, `${brand[0].toUpperCase()}${brand.slice(1)} ${last4}: ${what}`]);
  return form({
    submit: 'Save card', busy: 'Saving …',
    fields: [
      field('Test card', { name: 'token', options: cards, value: 'tok_ok', hint: 'This is a demo: it takes no real cards.' }),
      element('div', { class: 'two' },
        field('Expires, month', { name: 'expiryMonth', autocomplete: 'cc-exp-month', value: '12', options: months.map((month) => [month, month.padStart(2, '0')]), wrong: 'This card has expired.' }),
        field('Expires, year', { name: 'expiryYear', autocomplete: 'cc-exp-year', value: years[2], options: years.map((one) => [one, one]), wrong: 'This card has expired.' })),
    ],
    act: async ({ token, expiryMonth, expiryYear }) => {
      const [, brand, last4] = TEST_CARDS.find(([one]) => one === token);
      await add({ token, brand, last4, expiryMonth: Number(expiryMonth), expiryYear: Number(expiryYear) });
      await show();
    },
  });
}
