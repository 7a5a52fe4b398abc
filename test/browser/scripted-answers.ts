import type { AutoscalingView, DecisionItem } from '../../apps/console/src/autoscaling/autoscaling-response.js';
import { aDecision, anAutoscaling, STEP_UP } from '../../apps/console/src/autoscaling/testing/a-decision.js';
import { aPipeline } from '../../apps/console/src/pipeline/testing/a-pipeline.js';
import type { ScriptedOrigin } from './scripted-origin.js';
import {
  FULL_LETTER,
  GROUPS,
  LETTER,
  LETTER_ID,
  NOW,
  OPERATION,
  ORDER_ID,
  REDRIVE,
  RETURNED_REDRIVE,
  SAVED_ORDER,
  WITH_LETTERS,
} from './scripted-states.js';

/** What the page is configured with. */
export const PAGE_SETTINGS = {
  clientId: 'orders-console',
  queryApiUrl: 'http://127.0.0.1:3000',
  hasFacade: false,
  allowsFaults: true,
};

const TRACE = {
  id: ORDER_ID,
  operationId: OPERATION,
  index: 12_543,
  chunk: { from: 12_000, to: 12_999 },
  partition: 3,
  offset: 4_700,
  attempts: 1,
  savedAt: NOW,
};

/** Answers as a pipeline that saves an operation, and has dead letters. */
export function answerBusy(origin: ScriptedOrigin): void {
  origin.answer({
    'GET /page-settings.json': PAGE_SETTINGS,
    'GET /query-api/metrics': '',
    'GET /v1/pipeline/history': { series: [] },
    'GET /v1/operations?': { items: [RETURNED_REDRIVE, WITH_LETTERS], page: { size: 6 } },
    [`GET /v1/operations/${OPERATION}`]: WITH_LETTERS,
    [`GET /v1/operations/${REDRIVE}`]: RETURNED_REDRIVE,
    'GET /v1/dead-letters': GROUPS,
    'GET /v1/dead-letters/records?': { items: [LETTER], page: { size: 100 } },
    [`GET /v1/dead-letters/records/${LETTER_ID}`]: FULL_LETTER,
    'POST /v1/dead-letters/redrive': { letters: 208, spent: 0, errors: [{ errorCode: 'conflict', count: 208 }] },
    'GET /v1/orders': { items: [SAVED_ORDER], page: { number: 1, size: 20 } },
    [`GET /v1/orders/${ORDER_ID}`]: SAVED_ORDER,
    [`GET /v1/orders/${ORDER_ID}/trace`]: TRACE,
  });
  origin.show(aPipeline());
}

/** Answers as a pipeline that has done nothing yet. */
export function answerEmpty(origin: ScriptedOrigin): void {
  answerBusy(origin);
  origin.answer({
    'GET /v1/operations?': { items: [], page: { size: 6 } },
    'GET /v1/dead-letters': { state: 'pending', total: 0, items: [] },
    'GET /v1/orders': { items: [], page: { number: 1, size: 20 } },
  });
  origin.show(aPipeline({ producedPerSecond: 0, savedPerSecond: 0, inFlight: 0, lagRecords: 0, deadLetters: 0 }));
}

/** Answers as a console that runs while every service behind it is unavailable. */
export function answerFailing(origin: ScriptedOrigin): void {
  const detail = 'The producer does not answer. Try again in a moment.';
  const body = { title: 'Service Unavailable', code: 'service-away', detail };
  answerBusy(origin);
  for (const route of ['GET /v1/operations', 'GET /v1/dead-letters', 'GET /v1/orders', 'POST /v1/'])
    origin.on(route, { status: 503, body });
  origin.show(aPipeline({ savedPerSecond: null, inFlight: null, partitions: null, consumers: null, lagRecords: null }));
}

export const REVERTED = aDecision(2, {
  kind: 'revert',
  reason: 'no-gain',
  from: 4,
  to: 2,
  text: 'back to 2 consumers: 4 consumers did not help (x1.02), bound by keys: too few are active',
  verdict: { from: 2, to: 4, outcome: 'no-gain', factor: 1.02, bound: 'keys' },
});
const BOUND = '2 consumers stay, although orders wait: 4 did not help (x1.02), bound by keys: too few are active';

/** Answers as a busy pipeline with an autoscaler whose last step was reverted. */
export function answerAutoscaling(
  change: Partial<AutoscalingView> = {},
  decisions: readonly DecisionItem[] = [REVERTED, aDecision(1)],
): (origin: ScriptedOrigin) => void {
  return (origin) => {
    answerBusy(origin);
    origin.answer({ 'GET /v1/pipeline/autoscaling/decisions': { items: decisions, page: { size: 5 } } });
    const now = { ...STEP_UP, kind: 'keep' as const, reason: 'bound' as const, to: 2, text: BOUND };
    origin.show(aPipeline({ autoscaling: anAutoscaling({ now, newest: REVERTED, ...change }) }));
  };
}
