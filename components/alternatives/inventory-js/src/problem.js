// Refusals. A function that returns a `result` throws the value of its error: a variant is `{ tag, val }`.

export const notFound = (detail) => ({ tag: 'not-found', val: detail });
export const conflict = (detail) => ({ tag: 'conflict', val: detail });

const ofParameter = (parameter, detail) => ({ detail, errors: [{ field: undefined, parameter, detail }] });
export const malformedParameter = (parameter, detail) => ({ tag: 'malformed', val: ofParameter(parameter, detail) });
export const invalidParameter = (parameter, detail) => ({ tag: 'invalid', val: ofParameter(parameter, detail) });

export function invalid(field, detail) {
  const faults = new Faults();
  faults.add(field, detail);
  return faults.problem;
}

// All faults of a body, so that its sender learns of them at once.
export class Faults {
  list = [];

  add(field, detail) {
    this.list.push({ field, parameter: undefined, detail });
  }

  check(holds, field, detail) {
    if (!holds) this.add(field, detail);
  }

  get problem() {
    return { tag: 'invalid', val: { detail: 'the request breaks a rule', errors: this.list } };
  }

  // Throws the problem if there are faults.
  end() {
    if (this.list.length > 0) throw this.problem;
  }
}
