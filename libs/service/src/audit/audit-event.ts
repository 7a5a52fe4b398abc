import type { Collection, Db } from 'mongodb';

/** `done`: below 400. `refused`: 4xx, nothing was changed. `failed`: 5xx, the change may have been made or not. */
export const OUTCOMES = ['done', 'refused', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What a request tried to change, who sent it, and what came of it. It never contains a header, a body or a query. */
export interface AuditFacts {
  readonly action: string;
  /** The subject of the token; `null` without a valid one. */
  readonly subject: string | null;
  /** The client that the token was issued to, or the client of an API key. */
  readonly clientId: string | null;
  /** The caller's address; behind a proxy in TRUST_PROXY, the address that it forwarded. */
  readonly ip: string;
  readonly requestId: string;
  /** What the action is about: the id of an operation or of a run, or a capability. */
  readonly target: string | null;
  readonly outcome: Outcome;
  /** The HTTP status. */
  readonly status: number;
  /** The code of the problem. */
  readonly code: string | null;
  /** How many events this one stands for, if it stands for several. */
  readonly count?: number;
}

/** A stored event. Events are only inserted; MongoDB removes them when they expire. */
export interface AuditEvent extends AuditFacts {
  /** A UUIDv7: ids sort by time. */
  readonly _id: string;
  readonly at: Date;
  readonly service: string;
  readonly expiresAt: Date;
}

/** Longest text of an event, in characters: an event has about 1 KiB at most. */
const MAX_TEXT = 200;

export function auditCollection(db: Db): Collection<AuditEvent> {
  return db.collection<AuditEvent>('auditEvents');
}

/** Shortens the texts that a client chooses. */
export function bounded(facts: AuditFacts): AuditFacts {
  return { ...facts, subject: short(facts.subject), clientId: short(facts.clientId), target: short(facts.target) };
}

function short(text: string | null): string | null {
  return text?.slice(0, MAX_TEXT) ?? null;
}
