import type { OrderResponse } from '#orders/order/order-response.js';
import { anOperation } from '#orders/testing/an-operation.js';
import { anOrderResponse } from '#orders/testing/an-order.js';
import type {
  DeadLetterGroups,
  DeadLetterItem,
  DeadLetterResponse,
} from '../../apps/producer/src/dead-letters/dead-letter-api.js';
import { type OperationResponse, operationState } from '../../apps/producer/src/operations/operation-response.js';

export const NOW = '2026-01-31T12:00:00.000Z';
export const OPERATION = '01a20e65-570e-7570-bea6-26988d692e8b';
export const REDRIVE = '01a20e65-570e-7570-bea6-26988d692eff';
export const ORDER_ID = '970844c7-0d33-82a3-ba87-000000001266';
/** No order and no operation has it. */
export const UNKNOWN_ID = '01a20e65-570e-7570-bea6-000000000000';
export const LETTER_ID = 'orders.v1/3/4711';

/** An operation whose 100,000 orders are saved, in the state that follows from its fields. */
export function operation(changes: Partial<Omit<OperationResponse, 'state'>> = {}): OperationResponse {
  const all = { count: 100_000, generated: 100_000, acked: 100_000, saved: 100_000 };
  const sent = { startedAt: NOW, finishedAt: '2026-01-31T12:00:12.500Z', ratePerSecond: 8_000, etaSeconds: null };
  const { state: _, ...saved } = anOperation({ id: OPERATION, status: 'succeeded' as const, ...all, ...sent });
  const stated: Omit<OperationResponse, 'state'> = { ...saved, ...changes };
  return { ...stated, state: operationState(stated) };
}

/** An operation whose dead letters are more than its missing orders, because conflicts are extra records. */
export const WITH_LETTERS = operation({
  faults: { poison: 0.00189, oversized: 0, duplicate: 0, conflict: 0.00208 },
  ackedFaults: { poison: 189, oversized: 0, duplicate: 0, conflict: 208 },
  saved: 99_811,
  deadLettered: 189,
  firstErrors: [{ index: 12_543, code: 'not-wire-format', message: 'the value does not begin with a magic byte' }],
});

export const RETURNED_REDRIVE = operation({
  id: REDRIVE,
  kind: 'redrive',
  seed: null,
  count: 208,
  firstNumber: null,
  acked: 208,
  saved: 0,
  redrive: {
    filter: { errorCode: 'conflict' },
    limit: null,
    maxRedrives: 5,
    moved: 208,
    saved: 0,
    returned: 208,
    waiting: 0,
    missing: 0,
    unmovable: 0,
  },
});

type Group = DeadLetterGroups['items'][number];

/** A group of dead letters of one error. */
function group(errorCode: string, count: number, redriven: number, id: string, message: string): Group {
  return { errorCode, count, operations: 1, redriven, firstAt: NOW, lastAt: NOW, example: { id, message } };
}

const CONFLICT = { code: 'conflict', message: `another order has the id ${ORDER_ID}` };
export const CONFLICTS = group('conflict', 208, 208, LETTER_ID, CONFLICT.message);
export const GROUPS: DeadLetterGroups = {
  state: 'pending',
  total: 397,
  items: [
    CONFLICTS,
    group('not-wire-format', 189, 0, 'orders.v1/0/17', 'the value does not begin with a magic byte and a schema id'),
  ],
};

export const LETTER: DeadLetterItem = {
  id: LETTER_ID,
  state: 'pending',
  origin: { topic: 'orders.v1', partition: 3, offset: 4_711, timestamp: NOW },
  letter: { partition: 3, offset: 7 },
  operationId: OPERATION,
  index: 12_543,
  number: 12_544,
  fault: 'conflict',
  error: CONFLICT,
  attempts: 1,
  deadLetteredAt: NOW,
  redrives: 1,
  tries: [
    {
      redriveId: REDRIVE,
      at: NOW,
      sent: { partition: 3, offset: 9_000 },
      orderId: ORDER_ID,
      outcome: 'returned',
      endedAt: '2026-01-31T13:00:00.000Z',
    },
  ],
};

export const SAVED_ORDER: OrderResponse = {
  ...anOrderResponse({ id: ORDER_ID, number: 12_544, accountId: 'acc-0004711', quantity: 1_000, currency: 'USD' }),
  createdAt: NOW,
};

const VALUE = Buffer.from('\0\0\0\0\x01an order in Avro, or what is left of it');

export const FULL_LETTER: DeadLetterResponse = {
  ...LETTER,
  record: {
    timestamp: NOW,
    key: { size: 11, base64: Buffer.from('acc-0004711').toString('base64'), text: 'acc-0004711' },
    value: { size: VALUE.length, base64: VALUE.toString('base64'), text: null },
    valueFrom: 'letter',
    headers: [{ name: 'order-index', value: { size: 5, base64: 'MTI1NDM=', text: '12543' } }],
  },
  gone: null,
  decoded: { ...SAVED_ORDER, side: 'sell', quantity: 1_001, amount: '187537.3500' },
  undecodable: null,
};
