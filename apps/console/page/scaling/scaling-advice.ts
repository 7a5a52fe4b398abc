import { isAlive } from '../../src/pipeline/consumer-state.js';
import { backlogForVerdict } from '../../src/changes/verdict-timing.js';
import type { PipelineResponse, ReportedChange } from '../../src/pipeline/pipeline-response.js';
import type { FigureHistory } from '../../src/pipeline/figure-history.js';
import { figure, plural } from '../figures.js';

/** What is known about the orders to save beside the state of the pipeline. */
interface Backlog {
  /** Saved per second while there is enough work; 0: nothing was saved yet. */
  readonly fullRate: number;
  /** Orders of running operations that are not in Kafka yet. */
  readonly unsent: number;
}

interface OrdersForScaling {
  /** Orders that must wait, so that the scaling can have a verdict. */
  readonly needed: number;
  /** Orders that wait in Kafka, or will soon. */
  readonly waiting: number;
}

/**
 * Compares the orders that a verdict on a scaling needs with those that wait. All advice on a scaling uses it, so that no two contradict each other.
 * @param count the number of consumers to scale to
 * @returns `null` when that is the current number, or figures are unknown
 */
function ordersForScaling(
  { consumers, configuredConsumers: from, lagRecords }: PipelineResponse,
  count: number,
  { fullRate: savedPerSecond, unsent }: Backlog,
): OrdersForScaling | null {
  if (consumers === null || from === null || from === 0 || from === count || lagRecords === null) return null;
  const inFlightLimit = consumers.reduce((sum, each) => sum + (isAlive(each) ? (each.inFlightLimit ?? 0) : 0), 0);
  const needed = backlogForVerdict({ savedPerSecond, from, to: count, inFlightLimit });
  return { needed, waiting: lagRecords + unsent };
}

/** From a change of the consumers until the recorded rates, which are means over five seconds, are those of the new number. */
const SETTLED_AFTER_SECONDS = 15;

/**
 * Returns how fast the consumers of now save while they have enough work: the highest rate since their number or their limit was changed last.
 * Advice that followed the rate of each second would change as often as the rate does.
 * @returns saved per second; the rate of now when none is recorded; 0: nothing was saved yet
 */
export function fullRate(
  history: FigureHistory,
  { changes, savedPerSecond }: Pick<PipelineResponse, 'changes' | 'savedPerSecond'>,
): number {
  const last = changes.findLast(({ kind }) => kind === 'scaling');
  const since = last === undefined ? 0 : Date.parse(last.at) / 1_000 + SETTLED_AFTER_SECONDS;
  return Math.max(savedPerSecond ?? 0, ...history.points(since).values.saved.map((rate) => rate ?? 0));
}

interface Hint {
  readonly isWarning: boolean;
  readonly text: string;
}

/** A limit that is used to this share is what bounds the rate, if there is enough work. */
const USED_UP = 0.8;

/**
 * Says how many orders a verdict on this scaling needs, and whether so many wait.
 * @param count the number of consumers to scale to
 * @returns `null` when that is the current number, or figures are unknown
 */
export function verdictHint(latest: PipelineResponse, count: number, backlog: Backlog): Hint | null {
  const orders = ordersForScaling(latest, count, backlog);
  if (orders === null || latest.savedPerSecond === null) return null;
  const { needed, waiting } = orders;
  if (backlog.fullRate === 0 && waiting === 0)
    return { isWarning: true, text: 'No verdict possible now: nothing is being saved. Generate orders first.' };
  if (latest.savedPerSecond === 0 && waiting > 0)
    return {
      isWarning: true,
      text: 'No verdict possible yet: it compares with the rate before, and nothing is saved yet. Wait some seconds.',
    };
  const text = `A verdict on ${plural(count, 'consumer')} needs about ${figure(needed)} waiting orders at ${figure(backlog.fullRate)} saved/s`;
  return waiting >= needed
    ? { isWarning: false, text: `${text}; there are enough.` }
    : { isWarning: true, text: `${text}, and ${figure(waiting)} wait: generate more first.` };
}

/**
 * Suggests the auto limit when a fixed limit bounds the rate.
 * @returns `null` when it does not, when a change is being measured, when the auto limit was tried and did not help, or when the last
 * verdict names CPU as the bound: more in flight would not be faster, and the hint would contradict the verdict beside it
 */
export function autoLimitHint({ consumers, changes, scaling, lagRecords }: PipelineResponse): string | null {
  const alive = consumers?.filter((each) => isAlive(each)) ?? [];
  const isChanging = scaling !== null || alive.some(({ state }) => state !== 'ready' && state !== 'idle');
  const isMeasured = changes.some(({ kind, verdict }) => kind === 'scaling' && verdict === null);
  const hasFailed = changes.some(
    ({ from, to, verdict }) =>
      from?.inFlight !== 'auto' && to?.inFlight === 'auto' && ['slower', 'no-gain'].includes(verdict?.outcome ?? ''),
  );
  const judged = changes.findLast(({ verdict }) => (verdict?.outcome ?? 'unknown') !== 'unknown');
  const isCpuBound = judged?.verdict?.bound === 'cpu';
  const limits = alive.flatMap(({ inFlightSet }) => (typeof inFlightSet === 'number' ? [inFlightSet] : []));
  if (isChanging || isMeasured || hasFailed || isCpuBound) return null;
  if (limits.length === 0 || limits.length < alive.length) return null;
  const inFlight = alive.reduce((sum, each) => sum + (each.inFlight ?? 0), 0);
  const limit = limits.reduce((sum, each) => sum + each, 0);
  if (inFlight < USED_UP * limit || (lagRecords ?? 0) < 2 * limit) return null;
  return `The limit of ${figure(Math.max(...limits))} per consumer is used up, and ${figure((lagRecords ?? 0) - inFlight)} orders wait. The auto limit may be faster: try it, and the verdict shows the effect.`;
}

/** Counts the changes of the number of consumers that have a verdict. One without says nothing on their effect. */
export function judgedScalings(changes: PipelineResponse['changes']): number {
  return changes.filter((change) => isOfConsumers(change) && (change.verdict?.outcome ?? 'unknown') !== 'unknown')
    .length;
}

function isOfConsumers({ kind, from, to }: ReportedChange): boolean {
  return kind === 'scaling' && from?.consumers !== to?.consumers;
}
