import type { DeadLetterGroups } from '../../apps/producer/src/dead-letters/dead-letter-response.js';
import type { ScriptedOrigin } from './scripted-origin.js';
import {
  FULL_LETTER,
  GROUPS,
  LETTER,
  LETTER_ID,
  NOW,
  OPERATION,
  ORDER_ID,
  pipelineState,
  REDRIVE,
  RETURNED_REDRIVE,
  SAVED_ORDER,
  WITH_LETTERS,
} from './scripted-states.js';

/** Answers as a pipeline that saves an operation, and has dead letters. */
export function answerBusy(origin: ScriptedOrigin): void {
  origin.on('GET /page-settings.json', {
    body: { clientId: 'orders-console', queryApiUrl: 'http://127.0.0.1:3000', hasFacade: false, allowsFaults: true },
  });
  origin.on('GET /query-api/metrics', { body: '' });
  origin.on('GET /v1/pipeline/history', { body: { series: [] } });
  origin.on('GET /v1/operations?', { body: { items: [RETURNED_REDRIVE, WITH_LETTERS], page: { size: 6 } } });
  origin.on(`GET /v1/operations/${OPERATION}`, { body: WITH_LETTERS });
  origin.on(`GET /v1/operations/${REDRIVE}`, { body: RETURNED_REDRIVE });
  origin.on('GET /v1/dead-letters', { body: GROUPS });
  origin.on('GET /v1/dead-letters/records?', { body: { items: [LETTER], page: { size: 100 } } });
  origin.on(`GET /v1/dead-letters/records/${LETTER_ID}`, { body: FULL_LETTER });
  origin.on('POST /v1/dead-letters/redrive', {
    body: { letters: 208, spent: 0, errors: [{ errorCode: 'conflict', count: 208 }] },
  });
  origin.on('GET /v1/orders', { body: { items: [SAVED_ORDER], page: { number: 1, size: 20 } } });
  origin.on(`GET /v1/orders/${ORDER_ID}`, { body: SAVED_ORDER });
  origin.on(`GET /v1/orders/${ORDER_ID}/trace`, {
    body: {
      id: ORDER_ID,
      operationId: OPERATION,
      index: 12_543,
      chunk: { from: 12_000, to: 12_999 },
      partition: 3,
      offset: 4_700,
      attempts: 1,
      savedAt: NOW,
    },
  });
  origin.show(pipelineState());
}

/** Answers as a pipeline that has done nothing yet. */
export function answerEmpty(origin: ScriptedOrigin): void {
  answerBusy(origin);
  origin.on('GET /v1/operations?', { body: { items: [], page: { size: 6 } } });
  origin.on('GET /v1/dead-letters', { body: { state: 'pending', total: 0, items: [] } satisfies DeadLetterGroups });
  origin.on('GET /v1/orders', { body: { items: [], page: { number: 1, size: 20 } } });
  origin.show(pipelineState({ producedPerSecond: 0, savedPerSecond: 0, inFlight: 0, lagRecords: 0, deadLetters: 0 }));
}

/** Answers as a console that runs while every service behind it is unavailable. */
export function answerFailing(origin: ScriptedOrigin): void {
  const away = {
    title: 'Service Unavailable',
    code: 'service-away',
    detail: 'The producer does not answer. Try again in a moment.',
  };
  answerBusy(origin);
  for (const route of ['GET /v1/operations', 'GET /v1/dead-letters', 'GET /v1/orders', 'POST /v1/'])
    origin.on(route, { status: 503, body: away });
  origin.show(
    pipelineState({ savedPerSecond: null, inFlight: null, partitions: null, consumers: null, lagRecords: null }),
  );
}
