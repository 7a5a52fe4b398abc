import { pause, type Clock } from '@orders-pipeline/clock';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { intervalFrom } from '../sides/number-interval.js';
import { skipEmpty } from '../runs/skip-empty.js';
import { checkInterval, isNothing, nothingIn, type IntervalFinding, type Suspects } from './interval-check.js';
import { afterNext, afterPutOff, MAX_PUT_OFF, type VerificationProgress } from './verification-progress.js';
import type { VerifiedSides } from './verified-sides.js';
import { timeLimit } from '#orders/time-limit.js';

/** How many intervals are read at the same time: enough to keep both sides busy, or, beside clients, so few that these don't wait. */
const READ_AHEAD = 4;
const READ_AHEAD_BESIDE_CLIENTS = 1;
/** How long writes that are on their way are waited for at the end, in ms. */
const OPEN_WAIT_MS = timeLimit(30_000);
const POLL_MS = 200;

/** What a verification needs. */
export interface VerificationContext {
  readonly sides: VerifiedSides;
  readonly zone: LegacyTimeZone;
  readonly clock: Clock;
  /** Returns whether clients are being answered: their requests go first. */
  readonly hasClients: () => boolean;
  /** Stores an interval's differences and the progress, in this order. */
  readonly record: (finding: IntervalFinding, progress: VerificationProgress) => Promise<void>;
}

/**
 * Compares all orders of both sides, interval by interval, from the stored progress on. Memory does not grow with the number of
 * orders or differences. Writes may go on meanwhile.
 * @returns the last progress; its `putOff` has the intervals with writes that were still on their way after 30 s. It ends before
 *   `upTo` if there are 1,000 of those
 * @throws Error if a side does not answer, or the signal aborts; a later call continues
 */
export async function runVerification(
  start: VerificationProgress,
  context: VerificationContext,
  signal: AbortSignal,
): Promise<VerificationProgress> {
  let progress = start;
  const suspects = new Map<number, Suspects>();
  for await (const finding of findings(start, context, signal)) {
    progress = afterNext(progress, finding);
    if (finding.open !== undefined) suspects.set(finding.interval.from, finding.open);
    await context.record(finding, progress);
    if (progress.putOff.length < MAX_PUT_OFF) continue;
    progress = await checkPutOff(progress, suspects, context, signal);
    // The writes do not come through: to go on would only put off more.
    if (progress.putOff.length >= MAX_PUT_OFF) return progress;
  }
  return checkPutOff(progress, suspects, context, signal);
}

/** Yields the findings of all intervals, in order, and checks some of the next ones meanwhile. A long empty interval is one finding. */
async function* findings(
  { next, upTo }: VerificationProgress,
  { sides, zone, hasClients }: VerificationContext,
  signal: AbortSignal,
): AsyncGenerator<IntervalFinding> {
  const ahead: Promise<IntervalFinding>[] = [];
  let from = next;
  while (from <= upTo || ahead.length > 0) {
    while (from <= upTo && ahead.length < (hasClients() ? READ_AHEAD_BESIDE_CLIENTS : READ_AHEAD)) {
      const interval = intervalFrom(from, upTo);
      const checked = checkInterval(interval, sides, zone, signal);
      // A failure is thrown when it is this interval's turn, or not at all after an earlier one has failed.
      checked.catch(() => undefined);
      ahead.push(checked);
      from = interval.to + 1;
    }
    signal.throwIfAborted();
    const finding = (await ahead.shift()) as IntervalFinding;
    yield finding;
    if (!isNothing(finding) || from > upTo) continue;
    const behind = await skipEmpty(from, upTo, async (interval) => sides.isEmpty(interval, signal));
    if (behind > from) ahead.push(Promise.resolve(nothingIn({ from, to: behind - 1 })));
    from = behind;
  }
}

/**
 * Checks the intervals again in which writes were on their way, until there are none, for 30 s at most.
 * @param suspects what differed in each of them. A run that another process began has none: it reads them as for the first time
 */
async function checkPutOff(
  start: VerificationProgress,
  suspects: Map<number, Suspects>,
  { sides, zone, clock, record }: VerificationContext,
  signal: AbortSignal,
): Promise<VerificationProgress> {
  const deadline = clock.now() + OPEN_WAIT_MS;
  let progress = start;
  while (progress.putOff.length > 0) {
    for (const from of progress.putOff) {
      const finding = await checkInterval(intervalFrom(from, progress.upTo), sides, zone, signal, suspects.get(from));
      progress = afterPutOff(progress, finding);
      if (finding.open !== undefined) {
        suspects.set(from, finding.open);
        continue;
      }
      suspects.delete(from);
      await record(finding, progress);
    }
    if (progress.putOff.length === 0 || clock.now() >= deadline) break;
    await pause(clock, POLL_MS);
  }
  return progress;
}
