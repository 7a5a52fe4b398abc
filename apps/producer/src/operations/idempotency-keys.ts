import { HttpStatus } from '@nestjs/common';
import type { ClientSession, Collection, Db } from 'mongodb';
import { invalidRequest, Problem } from '#service/http/problem.js';

/** A stored idempotency key with its request and operation. */
interface IdempotencyKey {
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

/** Validates the header `Idempotency-Key`. @throws Problem 400 for an invalid key */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || KEY_FORMAT.test(header)) return header;
  const detail = 'must be given once, as 1 to 255 printable ASCII characters without spaces';
  throw invalidRequest([{ field: 'Idempotency-Key', in: 'header', detail }]);
}

/**
 * Returns the id of the operation that the same request has already created with this key.
 * @throws Problem 422 when the key was used for another request
 */
export async function findKeyedOperation(db: Db, key: string, request: object): Promise<string | undefined> {
  const known = await keys(db).findOne({ _id: key }, { readConcern: { level: 'majority' } });
  if (known === null) return undefined;
  if (known.request === JSON.stringify(request)) return known.operationId;
  throw new Problem(
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
