// The rules for the details of an item.

const PRICE_MAX = 1_000_000_000_000n;
const WEIGHT_GRAMS_MAX = 1_000_000;
const IMAGE_BYTES_MAX = 2_048;

// The currencies of ISO 4217 that are used for payments: no metals, funds or tests. The engine has no list of them,
// because it is built without `Intl`.
const CURRENCIES = new Set(`
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC
CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR
ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF
XPF YER ZAR ZMW`.trim().split(/\s+/));

// `length` counts UTF-16 units. A limit of a contract counts characters.
const characters = (text) => [...text].length;

// The engine has no `\p{…}` in regular expressions.
const isControl = (text) => /[\u0000-\u001f\u007f-\u009f]/.test(text);

function isLine(text, charactersMax) {
  return text.trim() !== '' && characters(text) <= charactersMax && !isControl(text);
}

const isText = (text) => characters(text) <= 4_000 && !isControl(text.replace(/[\n\r\t]/g, ''));

export const isCategory = (text) => isLine(text, 60);

// A path, or a URL of the web: nothing that a browser would run.
function isImage(text) {
  const bytes = new TextEncoder().encode(text).length;
  const scheme = /^([^:/?#]*):/.exec(text)?.[1].toLowerCase() ?? 'http';
  return bytes >= 1 && bytes <= IMAGE_BYTES_MAX && !/\s/.test(text) && !isControl(text) && /^https?$/.test(scheme);
}

// The details as they are stored. An s64 comes as a BigInt, and a price within its bounds is an exact number.
export function checkDetails({ title, description, category, price, image, weightGrams }, faults) {
  faults.check(isLine(title, 200), '/title', 'must be 1 to 200 characters on one line');
  faults.check(isText(description), '/description', 'must be at most 4,000 characters');
  faults.check(isCategory(category), '/category', 'must be 1 to 60 characters on one line');
  faults.check(isImage(image), '/image', 'must be a path or an http(s) URL of at most 2,048 bytes');
  faults.check(weightGrams <= WEIGHT_GRAMS_MAX, '/weightGrams', 'must be at most 1,000,000');
  const isPrice = price.amount >= 0n && price.amount <= PRICE_MAX;
  if (!CURRENCIES.has(price.currency)) faults.add('/price/currency', 'must be a currency of ISO 4217, such as EUR');
  else faults.check(isPrice, '/price/amount', 'must be 0 to 1,000,000,000,000');
  const { amount, currency } = price;
  return { title, description, category, price: { amount: Number(amount), currency }, image, weightGrams };
}
