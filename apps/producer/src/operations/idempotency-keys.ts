import { HttpStatus } from '@nestjs/common';
import type { ClientSession, Collection, Db } from 'mongodb';
import { invalidRequest, Problem } from '#service/problem.js';

/** What a client once asked for under a key of its own. */
interface IdempotencyKey {
  readonly _id: string;
  /** The request as JSON, what was left out filled in with constants only. */
  readonly request: string;
  readonly operationId: string;
  readonly createdAt: Date;
}

/** How long a key is remembered: a client that tries for a day finds its operation. */
const REMEMBERED_SECONDS = 2 * 24 * 60 * 60;
const FORM = /^[\x21-\x7e]{1,255}$/;

function keys(db: Db): Collection<IdempotencyKey> {
  return db.collection<IdempotencyKey>('idempotencyKeys');
}

export async function ensureIdempotencyKeyIndexes(db: Db): Promise<void> {
  await keys(db).createIndexes([{ name: 'createdAt', key: { createdAt: 1 }, expireAfterSeconds: REMEMBERED_SECONDS }]);
}

/** The header `Idempotency-Key`, checked. @throws Problem 400 for one that can't be a key */
export function idempotencyKeyOf(header: string | undefined): string | undefined {
  if (header === undefined || FORM.test(header)) return header;
  const detail = 'must be 1 to 255 printable ASCII characters without a space, given once';
  throw invalidRequest([{ field: 'Idempotency-Key', in: 'header', detail }]);
}

/**
 * The operation that this very request made before, under this key.
 * @throws Problem 422 when the key was used for another request
 */
export async function operationOfKey(db: Db, key: string, request: object): Promise<string | undefined> {
  const known = await keys(db).findOne({ _id: key }, { readConcern: { level: 'majority' } });
  if (known === null) return undefined;
  if (known.request === JSON.stringify(request)) return known.operationId;
  throw new Problem(
    HttpStatus.UNPROCESSABLE_ENTITY,
    'idempotency-key-reused',
    'This Idempotency-Key was used for another request. Take a new key for each new request, and the same only to repeat one.',
  );
}

/** Keeps the key, in the transaction that makes its operation. @throws a duplicate key error when somebody has just used it */
export async function keepKey(
  db: Db,
  session: ClientSession,
  { key, request, operationId, now }: { key: string; request: object; operationId: string; now: Date },
): Promise<void> {
  const document = { _id: key, request: JSON.stringify(request), operationId, createdAt: now };
  await keys(db).insertOne(document, { session });
}

/** Of an operation that is no more: the same request makes another one. */
export async function forgetKeysOf(db: Db, operationId: string): Promise<void> {
  await keys(db).deleteMany({ operationId });
}
