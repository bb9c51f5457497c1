// The cart: what is in it, and what it comes to.

import { openCart, setQuantity } from '../cart.js';
import { element, figures, heading, money } from '../elements.js';
import { button } from '../forms.js';
import { lineList } from '../lines.js';
import { tell } from '../notice.js';
import { quantity } from '../quantity.js';
import { show } from '../route.js';
import { words } from '../words.js';

export async function cart() {
  const open = await openCart();
  const title = 'Your cart';
  if (!open?.lines.length) {
    return { title, parts: [heading(title), element('p', {}, 'There is nothing in it yet.'),
      element('p', {}, element('a', { class: 'button', href: '#/' }, 'Go shopping'))] };
  }
  const short = open.lines.filter((line) => line.available < line.quantity);
  return { title, parts: [heading(title), element('div', { class: 'columns' },
    element('section', { class: 'card', 'aria-label': 'Items' }, lineList(open.lines, change)),
    element('aside', { class: 'card summary', 'aria-label': 'Summary' },
      figures(['Subtotal', money(open.subtotal), 'total']),
      element('p', { class: 'quiet' }, 'Shipping follows in the next step, before you pay.'),
      short.length === 0 && element('a', { class: 'button wide', href: '#/checkout' }, 'Check out'),
      short.length > 0 && element('p', { class: 'alert' }, 'Change the quantities marked in red to check out.'),
      element('p', { class: 'after' }, element('a', { href: '#/' }, 'Continue shopping')))),
  ] };
}

/** Changes that the shop has not answered yet: until then the page stays as the customer has it. */
let changes = 0;

function change(line) {
  const set = async (number) => {
    changes += 1;
    try {
      await setQuantity(line.sku, number);
    } catch (error) {
      tell(words(error, { 404: `${line.title} is no longer on sale.` }));
    } finally {
      changes -= 1;
    }
    if (changes === 0) await show({ keepsFocus: true });
  };
  return [
    element('span', { class: 'quiet' }, `${money(line.unitPrice)} each`),
    line.available === 0 && element('p', { class: 'wrong' }, 'Sold out. Remove it to check out.'),
    line.available > 0 && line.available < line.quantity && element('p', { class: 'wrong' }, `Only ${line.available} left.`),
    element('div', { class: 'change' },
      quantity({ id: `quantity-${line.sku}`, title: line.title, value: line.quantity, change: set }),
      button('Remove', 'Removing …', () => set(0), { class: 'link', 'aria-label': `Remove ${line.title}` })),
  ];
}
