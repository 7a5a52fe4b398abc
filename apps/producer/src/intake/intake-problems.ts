import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/http/problem.js';

const SOON = { 'Retry-After': '1' };

/** The orders were not accepted: too many others wait. */
export function tooManyWaiting(limit: number): Problem {
  const detail = `${limit.toLocaleString('en-US')} orders already wait for Kafka and MongoDB. Nothing was accepted: repeat the request.`;
  return new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'too-many-waiting', detail, {}, SOON);
}

/** The orders were not accepted in time. */
export function notAccepted(reason: string): Problem {
  const detail = `Nothing was accepted: ${reason}. Repeat the request.`;
  return new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'not-accepted', detail, {}, SOON);
}

/** The orders were not accepted: the topic gets more partitions, for some seconds. */
export function topicExpands(): Problem {
  const detail = 'Nothing was accepted: the topic gets more partitions. Repeat the request in some seconds.';
  return new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'topic-expands', detail, {}, { 'Retry-After': '5' });
}

/** The orders are stored, and may be sent to Kafka later. */
export function outcomeUnknown(): Problem {
  const detail =
    'The orders may have been accepted. Repeat the request with the same Idempotency-Key, or with the same ids: no order is saved twice.';
  return new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'outcome-unknown', detail, {}, SOON);
}

/** The Idempotency-Key has another request. */
export function keyReused(): Problem {
  return new Problem(
    HttpStatus.UNPROCESSABLE_ENTITY,
    'idempotency-key-reused',
    'This Idempotency-Key was used for another request. Use a new key for each new request; reuse a key only to retry.',
  );
}
