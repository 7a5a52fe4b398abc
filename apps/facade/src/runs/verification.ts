import { Injectable, Controller } from '@nestjs/common';
import { z } from 'zod';
import { ApiTags } from '@nestjs/swagger';
import { pause, type Clock } from '@orders-pipeline/clock';
import type { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { timeLimit } from '#orders/time-limit.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { intervalFrom } from '../sides/side.js';
import {
  type Difference,
  type IntervalFinding,
  checkInterval,
  isNothing,
  nothingIn,
  type Suspects,
} from './compare-interval.js';
import type { VerifyResult } from '../stages/gate.js';
import { skipEmpty, type VerifiedSides } from './side-readers.js';
import { StoredRuns, type RunDocument, type RunWork } from './stored-runs.js';
import { runFields, runResponse, HighestNumber, runsController } from './runs-controller.js';

/** More intervals with open writes are not put off: the verification waits for them first. */
const MAX_PUT_OFF = 1_000;

/** How far a verification is. It is stored, so that another process can continue. */
export interface VerificationProgress {
  /** The highest legacy number that is compared. */
  readonly upTo: number;
  /** All numbers below have been compared, except those of `putOff`. */
  readonly next: number;
  /** First numbers of the intervals in which a write was on its way. */
  readonly putOff: readonly number[];
  readonly orders: { readonly legacy: number; readonly new: number };
  /** How many differences there are of each kind. */
  readonly differences: Readonly<Partial<Record<Difference['kind'], number>>>;
}

/** Returns the progress of a verification that begins. */
export function newProgress(upTo: number): VerificationProgress {
  return { upTo, next: 1, putOff: [], orders: { legacy: 0, new: 0 }, differences: {} };
}

/** Returns the progress after the next interval was checked. */
function afterNext(progress: VerificationProgress, finding: IntervalFinding): VerificationProgress {
  const { interval, open } = finding;
  const moved = { ...progress, next: interval.to + 1 };
  return open !== undefined ? { ...moved, putOff: [...progress.putOff, interval.from] } : withFinding(moved, finding);
}

/** Returns the progress after an interval that was put off was checked again. */
function afterPutOff(progress: VerificationProgress, finding: IntervalFinding): VerificationProgress {
  if (finding.open !== undefined) return progress;
  const putOff = progress.putOff.filter((from) => from !== finding.interval.from);
  return withFinding({ ...progress, putOff }, finding);
}

function withFinding(progress: VerificationProgress, { orders, differences }: IntervalFinding): VerificationProgress {
  const counts = { ...progress.differences };
  for (const { kind } of differences) counts[kind] = (counts[kind] ?? 0) + 1;
  const sum = { legacy: progress.orders.legacy + orders.legacy, new: progress.orders.new + orders.new };
  return { ...progress, orders: sum, differences: counts };
}

/** Returns how many differences were found. */
function countDifferences({ differences }: VerificationProgress): number {
  return Object.values(differences).reduce((sum, count) => sum + count, 0);
}

/** The result of a verification: `open` if writes were still on their way after the wait. */
type VerificationResult = 'equal' | 'different' | 'open';

/** Returns the result of a verification that has ended. */
export function resultOf(progress: VerificationProgress): VerificationResult {
  if (countDifferences(progress) > 0) return 'different';
  return progress.putOff.length > 0 ? 'open' : 'equal';
}

/** How many intervals are read at the same time: enough to keep both sides busy, or, beside clients, so few that these don't wait. */
const READ_AHEAD = 4;
const READ_AHEAD_BESIDE_CLIENTS = 1;
/** How long writes that are on their way are waited for at the end, in ms. */
const OPEN_WAIT_MS = timeLimit(30_000);
const POLL_MS = 200;

/** What a verification needs. */
interface VerificationContext {
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
  for await (const finding of findingsOf(start, context, signal)) {
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
async function* findingsOf(
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

/** The verifications, in MongoDB. */
@Injectable()
export class VerificationRuns extends StoredRuns<VerificationProgress, VerificationResult, Difference> {
  constructor(mongo: Mongo) {
    super(mongo, 'verify');
  }

  /** Returns the last one that has compared everything. One that was cancelled, or whose writes stayed open, does not count. */
  readonly last = async (): Promise<VerifyResult | null> => {
    const run = await this.latestWith(['equal', 'different']);
    return run && { startedAt: run.startedAt, differences: countDifferences(run.progress) };
  };
}

/** How often the progress of equal intervals is stored, in ms. */
const SAVE_MS = 1_000;

/** Returns a function that runs a stored verification, and stores its differences. */
export function verificationWork(
  runs: VerificationRuns,
  sides: Omit<VerificationContext, 'record'>,
): RunWork<VerificationProgress, VerificationResult> {
  return async (run, signal) => {
    const { clock } = sides;
    let savedAt = clock.now();
    const record = async (finding: IntervalFinding, progress: VerificationProgress): Promise<void> => {
      const { differences, interval } = finding;
      if (differences.length === 0 && clock.now() - savedAt < SAVE_MS) return;
      if (differences.length > 0) {
        const countedBefore = countDifferences(progress) - differences.length;
        await runs.findings.replace(run._id, interval.from, differences, countedBefore);
      }
      await runs.save(run, progress);
      savedAt = clock.now();
    };
    const progress = await runVerification(run.progress, { ...sides, record }, signal);
    return { progress, result: resultOf(progress) };
  };
}

const count = z.int().min(0);

const VerificationSchema = z
  .object({
    ...runFields,
    result: z
      .enum(['equal', 'different', 'open'])
      .nullable()
      .describe('`open`: writes were still missing on a side 30 s after everything else was compared.'),
    orders: z.object({ legacy: count, new: count }).describe('How many orders each side has.'),
    differences: count,
    byKind: z
      .object({
        'missing-in-new': count,
        'missing-in-legacy': count,
        differs: count,
        doubled: count,
        unreadable: count,
      })
      .describe('How many differences there are of each kind.'),
    openIntervals: count.describe('How many intervals of 1,000 numbers wait for writes that are on their way.'),
  })
  .meta({ title: 'Verification' });
export type VerificationResponse = z.infer<typeof VerificationSchema>;

const DifferencesSchema = z
  .object({
    items: z.array(
      z
        .looseObject({
          kind: z.enum(['missing-in-new', 'missing-in-legacy', 'differs', 'doubled', 'unreadable']),
          number: z.int().nullable().describe('The legacy number.'),
          id: z.string().nullish(),
          fields: z
            .array(z.object({ path: z.string(), legacy: z.unknown(), new: z.unknown() }))
            .optional()
            .describe('Of `differs`: the values of both sides, as the legacy system would show them.'),
          reason: z.unknown().optional().describe('Of `missing-in-new`: why it has no exact translation, if so.'),
        })
        .meta({ title: 'VerifiedDifference' }),
    ),
  })
  .meta({ title: 'Differences' });

function verificationResponse(run: RunDocument<VerificationProgress, VerificationResult>): VerificationResponse {
  const { orders, differences, putOff } = run.progress;
  const none = { 'missing-in-new': 0, 'missing-in-legacy': 0, differs: 0, doubled: 0, unreadable: 0 };
  return {
    ...runResponse(run),
    result: run.result,
    orders,
    differences: countDifferences(run.progress),
    byKind: { ...none, ...differences },
    openIntervals: putOff.length,
  };
}

const VerifyRoutes = runsController({
  kind: 'verify',
  noun: 'verification',
  schema: VerificationSchema,
  start: {
    summary: 'Compare all orders of both sides',
    description:
      'Reads both sides by legacy number, up to the highest one at the start. It runs in the background and survives restarts. ' +
      'A difference counts only if it is there in a second reading, after all admitted writes are on both sides.',
  },
  begin: newProgress,
  response: verificationResponse,
  findings: {
    path: 'differences',
    operation: { operationId: 'listDifferences', summary: 'List the differences of a verification, by number' },
    schema: DifferencesSchema,
  },
});

@ApiTags('verify')
@Controller('v1/migration/verify')
export class VerifyController extends VerifyRoutes {
  constructor(
    protected readonly runs: VerificationRuns,
    protected readonly highest: HighestNumber,
  ) {
    super();
  }
}
