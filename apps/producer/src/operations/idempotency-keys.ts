import { HttpStatus } from '@nestjs/common';
import type { ClientSession, Collection, Db } from 'mongodb';
import type { Caller } from '#service/auth/token-verifier.js';
import { invalidRequest, Problem } from '#service/http/problem.js';

/** A stored idempotency key with its request and operation. */
interface IdempotencyKey {
  /** As `parseIdempotencyKey` returns it. */
  readonly _id: string;
  /** The request as JSON; only constant defaults are filled in. */
  readonly request: string;
  readonly operationId: string;
  readonly createdAt: Date;
}

const KEY_FORMAT = /^[\x21-\x7e]{1,255}$/;

function keys(db: Db): Collection<IdempotencyKey> {
  return db.collection<IdempotencyKey>('idempotencyKeys');
}

/**
 * Validates the header `Idempotency-Key`, and makes it the caller's own: two callers may use the same key.
 * @param caller without one, such as without an issuer, the key is shared
 * @throws Problem 400 for an invalid key
 */
export function parseIdempotencyKey(
  header: string | undefined,
  caller: Pick<Caller, 'subject'> | null = null,
): string | undefined {
  if (header === undefined) return undefined;
  // A key contains no space, so the first one separates it from the subject.
  if (KEY_FORMAT.test(header)) return caller === null ? header : `${header} ${caller.subject}`;
  const detail = 'must be given once, as 1 to 255 printable ASCII characters without spaces';
  throw invalidRequest([{ field: 'Idempotency-Key', in: 'header', detail }]);
}

/**
 * Returns the id of the operation that the same request has already created with this key. A key that was stored without its caller, by an
 * earlier version or without an issuer, counts for every caller until it expires.
 * @throws Problem 422 when the key was used for another request
 */
export async function findKeyedOperation(db: Db, key: string, request: object): Promise<string | undefined> {
  const [shared = key] = key.split(' ');
  const found = await keys(db)
    .find({ _id: { $in: [key, shared] } }, { readConcern: { level: 'majority' } })
    .toArray();
  const known = found.find(({ _id }) => _id === key) ?? found[0];
  if (known === undefined) return undefined;
  if (known.request === JSON.stringify(request)) return known.operationId;
  throw keyReused();
}

/** The Idempotency-Key has another request. */
export function keyReused(): Problem {
  return new Problem(
    HttpStatus.UNPROCESSABLE_ENTITY,
    'idempotency-key-reused',
    'This Idempotency-Key was used for another request. Use a new key for each new request; reuse a key only to retry.',
  );
}

/** Stores the key in the transaction that creates its operation. @throws a duplicate key error if the key already exists */
export async function storeKey(
  db: Db,
  session: ClientSession,
  { key, request, operationId, now }: { key: string; request: object; operationId: string; now: Date },
): Promise<void> {
  const document = { _id: key, request: JSON.stringify(request), operationId, createdAt: now };
  await keys(db).insertOne(document, { session });
}

/** Deletes the keys of a deleted operation, so that the same request creates a new one. */
export async function deleteKeys(db: Db, operationId: string): Promise<void> {
  await keys(db).deleteMany({ operationId });
}
