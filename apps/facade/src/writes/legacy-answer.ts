import { STATUS_CODES } from 'node:http';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { NotSentError, type LegacyAnswer } from './legacy-port.js';

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' };

/** @param status 201 for a new order, 200 for one that was there */
export function orderAnswer(status: 200 | 201, record: Partial<LegacyRecord> | null): LegacyAnswer {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(record) };
}

/** An error in the form of the legacy system's framework, with a stable code and, if there is one, the invalid field. */
export function errorAnswer(status: number, code: string, message: string, field?: string): LegacyAnswer {
  const error = STATUS_CODES[status] ?? 'Error';
  const body = JSON.stringify({ statusCode: status, code, error, message, ...(field !== undefined && { field }) });
  return { status, headers: { ...JSON_HEADERS, ...(status === 503 && { 'retry-after': '1' }) }, body };
}

/** Returns the answer to a write whose outcome is not known yet. */
export function unknownOutcome(side: string, reason: string): LegacyAnswer {
  const message = `the ${side} side has not answered, and the order may be stored later: ${reason}. Repeat it under the same id.`;
  return errorAnswer(503, 'outcome-unknown', message);
}

/** Returns the answer to a request that the legacy system did not answer. */
export function noAnswer(error: unknown): LegacyAnswer {
  if (error instanceof NotSentError) return errorAnswer(503, 'legacy-away', error.message);
  return unknownOutcome('legacy', error instanceof Error ? error.message : String(error));
}
