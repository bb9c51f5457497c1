// Times as RFC 3339 in UTC with microseconds: in this form they compare as text.

// `Date` has milliseconds. The host's clock stands still during a call, and a call that runs again has the same time.
export const now = () => fromDate(new Date());

export function plusSeconds(time, seconds) {
  return fromDate(new Date(Date.parse(time) + seconds * 1_000));
}

const fromDate = (date) => date.toISOString().replace('Z', '000Z');

// A time as answers have it: with milliseconds, like those of the shop's own inventory.
export const answered = (time) => time.replace(/\d{3}Z$/, 'Z');

// A time in RFC 3339 and UTC with at most six digits behind the second, in the form that is stored; nothing for any
// other text.
export function parseTime(text) {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/.exec(text);
  if (parts === null) return null;
  const [, seconds, fraction = ''] = parts;
  // `Date` takes the 30th of February for the 1st of March.
  const date = new Date(`${seconds}.000Z`);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== `${seconds}.000Z`) return null;
  return `${seconds}.${fraction.padEnd(6, '0')}Z`;
}
