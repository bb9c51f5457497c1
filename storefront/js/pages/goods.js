// The list of what is on sale: all of it, a category, or what a search finds.

import { api, segment } from '../api.js';
import { button } from '../forms.js';
import { element, heading, money, picture } from '../elements.js';

export const CATEGORIES = [['kitchen', 'Kitchen'], ['home', 'Home'], ['desk', 'Desk'], ['outdoor', 'Outdoor']];

const PAGE = '24';

/** Fewer pieces than this are worth a word. */
export const FEW = 10;

export async function goods(parameters) {
  const [category, query] = [parameters.get('category'), parameters.get('query')];
  const asked = new URLSearchParams({ limit: PAGE });
  if (category) asked.set('category', category);
  if (query) asked.set('query', query);
  const first = await api('GET', `/items?${asked}`);
  const list = element('ul', { class: 'goods' }, first.items.map(good));
  const title = query ? `Results for “${query}”` : new Map(CATEGORIES).get(category) ?? category ?? 'Well-made things for every day';
  let cursor = first.nextCursor;
  const more = button('Show more', 'Loading …', async () => {
    const next = await api('GET', `/items?${asked}&cursor=${segment(cursor)}`);
    const made = next.items.map(good);
    list.append(...made);
    cursor = next.nextCursor;
    more.hidden = !cursor;
    made[0]?.querySelector('a').focus();
  }, { class: 'plain', hidden: !cursor });
  const nothing = element('p', {}, 'We found nothing. ', element('a', { href: '#/' }, 'See everything we sell.'));
  const isHome = !query && !category;
  return { title: isHome ? '' : title, parts: [
    element('div', { class: isHome ? 'welcome' : 'page-head' }, heading(title),
      isHome && element('p', {}, 'For the kitchen, the desk, the home and the trail. You see what shipping costs before you pay.')),
    first.items.length || cursor ? list : nothing, more,
  ] };
}

function good(item) {
  const stock = item.available === 0
    ? element('span', { class: 'badge sold-out' }, 'Sold out')
    : item.available < FEW && element('span', { class: 'badge' }, `Only ${item.available} left`);
  return element('li', {}, element('a', { href: `#/items/${segment(item.sku)}`, class: item.available === 0 && 'gone' },
    element('div', { class: 'frame' }, picture(item, { loading: 'lazy' }), stock), ' ',
    element('span', { class: 'title' }, item.title), ' ', element('strong', { class: 'price' }, money(item.price))));
}
