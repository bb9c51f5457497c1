//! Tests of the operator's side without a socket: what each route answers, and to whom.
