// Gives a list of what is wrong on the page. It knows what axe does not (the contrast of borders, what does not fit), and the
// part of axe that matters most, for machines without it.
const wrong = [];
const say = (element, text) => wrong.push(`${text}: ${element.outerHTML.slice(0, 160)}`);
const visible = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
const all = (selector) => [...document.querySelectorAll(selector)].filter(visible);

// ---- names
const name = (element) => {
  const labelled = element.getAttribute('aria-labelledby')?.split(' ').map((id) => document.getElementById(id)?.textContent).join(' ');
  const label = element.id && document.querySelector(`label[for="${CSS.escape(element.id)}"]`);
  const text = labelled || element.getAttribute('aria-label') || label?.textContent || element.closest('label')?.textContent || element.textContent;
  return `${text ?? ''}${[...element.querySelectorAll('img')].map((image) => image.alt).join(' ')}`.trim();
};
for (const control of all('a[href], button, input, select, summary, dialog[open], nav, aside')) if (!name(control)) say(control, 'no name');
for (const image of all('img')) if (image.getAttribute('alt') === null) say(image, 'no alternative text');
const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) wrong.push(`the id ${id} is there twice`);

// ---- structure
if (!document.documentElement.lang) wrong.push('the page has no language');
if (!document.title) wrong.push('the page has no title');
for (const [selector, count] of [['h1', 1], ['main', 1], ['body > header', 1], ['body > footer', 1]]) {
  if (all(selector).length !== count) wrong.push(`${all(selector).length} of ${selector}`);
}
const levels = all('h1, h2, h3, h4').map((heading) => Number(heading.tagName[1]));
levels.forEach((level, place) => { if (place > 0 && level > levels[place - 1] + 1) wrong.push(`a heading of level ${level} is below one of ${levels[place - 1]}`); });
for (const element of all('[tabindex]')) if (element.tabIndex > 0) say(element, 'out of the order of the focus');

// ---- contrast
const channels = (color) => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
};
const luminance = (color) => {
  const [red, green, blue] = color.slice(0, 3).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ratio = (one, other) => {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};
// The ground behind an element; nothing where it is a picture or a gradient.
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    if (style.backgroundImage !== 'none') return undefined;
    const color = channels(style.backgroundColor);
    if (color[3] > 0.99) return color;
  }
  return channels(getComputedStyle(document.documentElement).backgroundColor);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = texts.nextNode(); node; node = texts.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || !visible(element) || element.closest('.hidden, [aria-disabled=true], noscript, option')) continue;
  const style = getComputedStyle(element);
  const behind = ground(element);
  const size = parseFloat(style.fontSize);
  const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
  if (behind && ratio(channels(style.color), behind) < least) say(element, `contrast ${ratio(channels(style.color), behind).toFixed(2)}`);
}
for (const control of all('input:not([type=radio]), select')) {
  const field = control.closest('.quantity') ?? control;
  const around = ground(field.parentElement);
  const edge = channels(getComputedStyle(field).borderTopColor);
  if (around && ratio(edge, around) < 3) say(control, `a border of contrast ${ratio(edge, around).toFixed(2)}`);
}

// ---- what fits
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) wrong.push(`the page is ${root.scrollWidth} pixels wide in a window of ${root.clientWidth}`);
for (const control of all('button, input, select, .button, nav.yours a')) {
  const { width, height } = control.getBoundingClientRect();
  const target = control.type === 'radio' ? control.closest('label').getBoundingClientRect() : { width, height };
  if (target.width < 24 || target.height < 24) say(control, `a target of ${Math.round(target.width)} by ${Math.round(target.height)} pixels`);
}
for (const image of all('main img')) {
  const fits = getComputedStyle(image).objectFit;
  if (fits !== 'contain') say(image, `a picture is cropped (${fits})`);
}
return wrong;
