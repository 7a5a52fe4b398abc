import type { DeadLetterSummary, RedriveTry } from '#api/producer.js';
import type { OrderStep } from '#api/query-api.js';
import { html, type TemplateResult } from 'lit';
import { figure, plural } from '../figures.js';
import { hashOf, operationLink } from '../routing.js';
import type { TimeLineStep } from '../time-line.js';

/** Returns the story of a saved order. */
export function orderStory(steps: readonly OrderStep[]): TimeLineStep[] {
  return steps.map(toTimeLineStep);
}

/** What a dead letter says of its order. */
export type LetterHistory = Pick<
  DeadLetterSummary,
  'state' | 'origin' | 'error' | 'attempts' | 'deadLetteredAt' | 'tries'
>;

/** Returns the story of an order that was dead-lettered. The error and the attempts that are stored are those of the latest failure. */
export function letterStory({ state, origin, error, attempts, deadLetteredAt, tries }: LetterHistory): TimeLineStep[] {
  const latest = { errorCode: error.code, attempts };
  const returned = tries.findLastIndex(({ outcome }) => outcome === 'returned');
  const { partition, offset, timestamp } = origin;
  return [
    toTimeLineStep({ code: 'sent', at: timestamp, partition, offset }),
    toTimeLineStep({ code: 'dead-lettered', at: deadLetteredAt, ...(returned === -1 && latest) }),
    ...tries.flatMap((each, index) => redriveSteps(each, index === returned ? latest : {})),
    ...(state === 'discarded' ? [{ at: null, text: 'discarded' }] : []),
  ];
}

function redriveSteps(
  { redriveId, at, sent, orderId, outcome, endedAt }: RedriveTry,
  latest: Pick<OrderStep, 'errorCode' | 'attempts'>,
): TimeLineStep[] {
  const steps = [toTimeLineStep({ code: 'redriven', at, redriveId })];
  if (sent !== null) steps.push(toTimeLineStep({ code: 'sent', at: null, ...sent }));
  if (outcome === null) steps.push({ at: null, text: 'in progress' });
  else if (outcome === 'saved') steps.push({ at: endedAt, text: savedText(orderId), style: 'good' });
  else steps.push(toTimeLineStep({ code: outcome, at: endedAt, ...latest }));
  return steps;
}

/** The time of the save is that of the order; the redrive has found it afterwards. */
function savedText(orderId: string | null): TemplateResult | string {
  if (orderId === null) return 'its order was saved';
  return html`its order was saved: <a href=${hashOf({ view: 'order', id: orderId })}>show its time line</a>`;
}

function toTimeLineStep(step: OrderStep): TimeLineStep {
  const { code, at } = step;
  const style = code === 'saved' ? 'good' : FAILURES.has(code) ? 'bad' : undefined;
  return { at, text: textOf(step), ...(style !== undefined && { style }) };
}

const FAILURES: ReadonlySet<OrderStep['code']> = new Set(['dead-lettered', 'returned', 'unmovable', 'missing']);

function textOf({ code, ...step }: OrderStep): TemplateResult | string {
  const { partition = null, offset = null, attempts, errorCode, letterId, redriveId } = step;
  switch (code) {
    case 'requested':
      return 'requested';
    case 'sent':
      return `written to Kafka: partition ${figure(partition)}, offset ${figure(offset)}`;
    case 'fetched':
      return 'fetched by a consumer';
    case 'taken':
      return 'taken from its fetch buffer';
    case 'started':
      return `attempt ${figure(attempts)} started`;
    case 'saved':
      return 'saved';
    case 'dead-lettered':
      return html`${letterId === undefined ? code : html`<a href=${hashOf({ view: 'letter', id: letterId })}>${code}</a>`}${failureText(attempts, errorCode)}`;
    case 'returned':
      return `dead-lettered again${failureText(attempts, errorCode)}`;
    case 'redriven':
      return redriveId === undefined ? code : operationLink(redriveId, code);
    case 'unmovable':
      return 'could not be sent again';
    case 'missing':
      return 'processed again, but neither saved nor dead-lettered';
  }
}

function failureText(attempts: number | undefined, errorCode: string | undefined): string {
  return errorCode === undefined ? '' : `: ${errorCode}, after ${plural(attempts ?? 0, 'attempt')}`;
}
