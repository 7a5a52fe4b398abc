import { OPERATION_EXAMPLE } from '../../apps/producer/src/operations/operation-example.js';
import { operationState } from '../../apps/producer/src/operations/operation-state.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import type {
  DeadLetterGroups,
  DeadLetterItem,
  DeadLetterResponse,
} from '../../apps/producer/src/dead-letters/dead-letter-response.js';
import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import type { OrderResponse } from '#orders/order/order-response.js';

export const NOW = '2026-01-31T12:00:00.000Z';
export const OPERATION = '01a20e65-570e-7570-bea6-26988d692e8b';
export const REDRIVE = '01a20e65-570e-7570-bea6-26988d692eff';
export const ORDER_ID = '970844c7-0d33-82a3-ba87-000000001266';
/** No order and no operation has it. */
export const UNKNOWN_ID = '01a20e65-570e-7570-bea6-000000000000';
export const LETTER_ID = 'orders.v1/3/4711';

/** A pipeline of two consumers. */
export function pipelineState(changes: Partial<PipelineResponse> = {}): PipelineResponse {
  return {
    at: new Date().toISOString(),
    scaling: null,
    scalingRequests: 0,
    configuredConsumers: changes.consumers === undefined ? 2 : (changes.consumers?.length ?? null),
    producedPerSecond: 4_012,
    savedPerSecond: 3_911,
    inFlight: 2_000,
    lagRecords: 41_200,
    lagSeconds: 10.5,
    secondsToDrain: 12,
    deadLetters: 397,
    partitions: Array.from({ length: 12 }, (_, partition) => ({
      partition,
      endOffset: 34_000,
      committedOffset: 30_500,
      lagRecords: 3_500,
      lagSeconds: 10.5,
      owner: `c${partition % 2}`,
    })),
    consumers: [0, 1].map((index) => ({
      id: `c${index}`,
      name: `consumer-${index + 1}`,
      partitions: [0, 1, 2, 3, 4, 5].map((each) => 2 * each + index),
      ratePerSecond: 1_950,
      inFlight: 1_000,
      inFlightLimit: 1_000,
      inFlightSet: 1_000,
      rebalances: 2,
      state: 'ready',
      notReadyBecause: null,
      silentSeconds: 0.4,
    })),
    changes: [],
    autoscaling: null,
    ...changes,
  };
}

/** A scaling that is being measured. */
export function scaling(from: number, to: number, secondsAgo: number): PipelineResponse['changes'][number] {
  return {
    at: new Date(Date.parse(NOW) - 1_000 * secondsAgo).toISOString(),
    kind: 'scaling',
    secondsAgo,
    from: { consumers: from, inFlight: null },
    to: { consumers: to, inFlight: null },
    before: null,
    after: null,
    verdict: null,
    crash: null,
  };
}

export function operation(changes: Partial<Omit<OperationResponse, 'state'>> = {}): OperationResponse {
  const { state: _state, ...example } = OPERATION_EXAMPLE;
  const stated: Omit<OperationResponse, 'state'> = {
    ...example,
    id: OPERATION,
    kind: 'populate',
    status: 'succeeded',
    saved: example.count,
    startedAt: NOW,
    finishedAt: '2026-01-31T12:00:12.500Z',
    ...changes,
  };
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

export const GROUPS: DeadLetterGroups = {
  state: 'pending',
  total: 397,
  items: [
    {
      errorCode: 'conflict',
      count: 208,
      operations: 1,
      redriven: 208,
      firstAt: NOW,
      lastAt: NOW,
      example: { id: LETTER_ID, message: 'another order has the id 970844c7-0d33-82a3-ba87-000000001266' },
    },
    {
      errorCode: 'not-wire-format',
      count: 189,
      operations: 1,
      redriven: 0,
      firstAt: NOW,
      lastAt: NOW,
      example: { id: 'orders.v1/0/17', message: 'the value does not begin with a magic byte and a schema id' },
    },
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
  error: { code: 'conflict', message: 'another order has the id 970844c7-0d33-82a3-ba87-000000001266' },
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
  id: ORDER_ID,
  number: 12_544,
  accountId: 'acc-0004711',
  side: 'buy',
  symbol: 'ACME',
  quantity: 1_000,
  price: '187.3500',
  amount: '187350.0000',
  currency: 'USD',
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
