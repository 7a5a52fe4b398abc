import { describe, expect, it } from '@jest/globals';
import { Long, UUID } from 'mongodb';
import type { Ingest, IngestTrace } from '#orders/order/order-document.js';
import { type OrderLetter, orderSteps } from './order-steps.js';

const REDRIVES = ['01a20e65-570e-7570-bea6-26988d692e01', '01a20e65-570e-7570-bea6-26988d692e02'] as const;

/** A time in the minute in which everything happens. */
function second(seconds: number): Date {
  return new Date(Date.UTC(2026, 0, 31, 12, 0, seconds));
}

function iso(seconds: number): string {
  return second(seconds).toISOString();
}

const INGEST: Ingest = {
  operationId: new UUID(),
  partition: 3,
  offset: Long.fromNumber(9_000),
  attempts: 2,
  savedAt: second(50),
};
const TRACE: IngestTrace = {
  id: '0af7651916cd43dd8448eb211c80319c',
  appendedAt: second(46),
  fetchedAt: second(47),
  takenAt: second(48),
  startedAt: second(49),
};

/** A dead letter with these outcomes of its redrives, ten seconds after each other. */
function aLetter(...outcomes: NonNullable<OrderLetter['tries']>[number]['outcome'][]): OrderLetter {
  return {
    _id: 'orders.v1/3/4711',
    origin: { topic: 'orders.v1', partition: 3, offset: 4_711, timestamp: second(1) },
    error: { code: 'refused-by-database', message: 'a rule' },
    attempts: 5,
    deadLetteredAt: second(2),
    tries: outcomes.map((outcome, at) => ({
      operationId: REDRIVES[at] ?? '',
      at: second(10 * (at + 1)),
      sent: null,
      orderId: null,
      outcome,
      endedAt: outcome && second(10 * (at + 1) + 5),
    })),
  };
}

const STORED = { requestedAt: second(0), letter: undefined, ingest: INGEST };
const SAVED = [
  { code: 'sent', at: null, partition: 3, offset: 9_000 },
  { code: 'started', at: null, attempts: 2 },
  { code: 'saved', at: iso(50) },
];

describe('the steps of a saved order', () => {
  it('have no times between the request and the save if it was not traced', () => {
    expect(orderSteps(STORED)).toEqual([{ code: 'requested', at: iso(0) }, ...SAVED]);
  });

  it('have all times if it was traced', () => {
    expect(orderSteps({ ...STORED, ingest: { ...INGEST, trace: TRACE } })).toEqual([
      { code: 'requested', at: iso(0) },
      { code: 'sent', at: iso(46), partition: 3, offset: 9_000 },
      { code: 'fetched', at: iso(47) },
      { code: 'taken', at: iso(48) },
      { code: 'started', at: iso(49), attempts: 2 },
      { code: 'saved', at: iso(50) },
    ]);
  });

  it('begin with a request only if there was one, also at an unknown time', () => {
    expect(orderSteps({ ...STORED, requestedAt: undefined })).toEqual(SAVED);
    expect(orderSteps({ ...STORED, requestedAt: null })).toEqual([{ code: 'requested', at: null }, ...SAVED]);
  });

  it('have its dead letter and each redrive, with the error of the latest failure', () => {
    const error = { errorCode: 'refused-by-database', attempts: 5 };
    expect(orderSteps({ ...STORED, letter: aLetter('returned', 'saved') })).toEqual([
      { code: 'requested', at: iso(0) },
      { code: 'sent', at: iso(1), partition: 3, offset: 4_711 },
      { code: 'dead-lettered', at: iso(2), letterId: 'orders.v1/3/4711' },
      { code: 'redriven', at: iso(10), redriveId: REDRIVES[0] },
      { code: 'returned', at: iso(15), ...error },
      { code: 'redriven', at: iso(20), redriveId: REDRIVES[1] },
      ...SAVED,
    ]);
    const [, , letter] = orderSteps({ ...STORED, letter: aLetter('saved') });
    expect(letter).toEqual({ code: 'dead-lettered', at: iso(2), letterId: 'orders.v1/3/4711', ...error });
  });

  it.each(['unmovable', 'missing'] as const)('have the outcome %s of a redrive', (outcome) => {
    const steps = orderSteps({ ...STORED, letter: aLetter(outcome, null) });
    expect(steps.slice(3, 6)).toEqual([
      { code: 'redriven', at: iso(10), redriveId: REDRIVES[0] },
      { code: outcome, at: iso(15) },
      { code: 'redriven', at: iso(20), redriveId: REDRIVES[1] },
    ]);
  });

  it('end with a dead letter of another record of the order, if that failed later', () => {
    const letter = { ...aLetter(), deadLetteredAt: second(55) };
    expect(orderSteps({ ...STORED, letter }).map(({ code }) => code)).toEqual([
      'requested',
      'sent',
      'started',
      'saved',
      'sent',
      'dead-lettered',
    ]);
  });

  it('keep their order where the clocks of Kafka and the consumer differ', () => {
    const steps = orderSteps({ ...STORED, ingest: { ...INGEST, trace: { ...TRACE, appendedAt: second(48) } } });
    expect(steps.map(({ code }) => code).slice(1, 3)).toEqual(['sent', 'fetched']);
  });
});
