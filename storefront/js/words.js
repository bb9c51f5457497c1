// What went wrong, in a shopper's words.

const DECLINED = {
  insufficient_funds: 'Your card was declined: there is not enough money on it. You have not been charged. Choose another card.',
  invalid_token: 'Your bank does not know this card. You have not been charged. Choose another card.',
};

const BY_STATUS = {
  0: 'We cannot reach the shop. Check your connection and try again.',
  401: 'Please sign in again.',
  403: 'Your account may not do this.',
  404: 'We cannot find this.',
  409: 'This has changed in the meantime. Reload the page and try again.',
};

/** A sentence or two for the problem. `own` has the words of one form, by status. */
export function words(problem, own = {}) {
  const { status, document } = problem;
  if (status === undefined) throw problem;
  if (own[status]) return own[status];
  if (status === 402) return DECLINED[document.declineCode] ?? 'Your card was declined. You have not been charged. Choose another card.';
  if (status === 429) return `That was too often. Try again ${wait(problem.retryAfterS)}.`;
  if (status >= 500) return 'Something went wrong on our side. Try again in a moment.';
  return BY_STATUS[status] ?? 'Something here is not right. Check it and try again.';
}

function wait(seconds) {
  if (!seconds || seconds < 5) return 'in a moment';
  return seconds < 90 ? `in ${seconds} seconds` : `in ${Math.ceil(seconds / 60)} minutes`;
}
