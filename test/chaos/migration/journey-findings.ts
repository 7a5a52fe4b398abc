import {
  allowing,
  type FaultWindow,
  type Interval,
  type RequestLog,
} from '../../../dev/migration-journey/request-log.js';
import { figure, type Finding } from '../findings.js';
import { COLUMNS } from './migration-faults.js';

/** What became of one fault in one column. */
export interface CellResult {
  readonly column: string;
  readonly kind: string;
  readonly subject: string;
  /** From the beginning of the fault to its end. */
  readonly lastedMs: number;
  /** From the end of the fault until everything worked and no intent was open; `null`: not within the limit. */
  readonly recoveredMs: number | null;
  /** Requests of clients from the beginning of the fault to the recovery that were answered, and that failed. */
  readonly answered: number;
  readonly failed: number;
  /** Whether the migration rolled itself back. */
  readonly rolledBack: boolean;
}

/** The result of one journey from `off` to `complete`. */
export interface JourneyResult {
  readonly seed: number;
  readonly journey: number;
  readonly commit: string;
  readonly tookMs: number;
  readonly cells: readonly CellResult[];
  readonly findings: readonly JourneyFinding[];
  /** Failed requests that the contract allows, by their code. */
  readonly allowed: Readonly<Record<string, number>>;
  /** Refusals of changes, by code, and how often a change was asked for again. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** All data of a journey that the checks judge. */
export interface JourneyEvidence {
  readonly log: Pick<RequestLog, 'failed' | 'wrong' | 'answeredReads'>;
  readonly windows: readonly FaultWindow[];
  /** Changes of stage between the faults. */
  readonly moves: readonly Interval[];
  readonly cells: readonly CellResult[];
  /** Why the journey ended early, and what runs over all orders have found. */
  readonly stageProblems: readonly string[];
  readonly storedProblems: readonly string[];
  readonly comparisons: number;
  readonly acknowledged: number;
  readonly orderProblems: readonly string[];
  /** How many states of the legacy system's files were compared. */
  readonly fileStates: number;
  readonly sentOrders: number;
  readonly mismatches: readonly string[];
  /** Apps that ended by themselves, and processes that still run. */
  readonly processes: readonly string[];
  readonly loggedErrors: readonly string[];
}

/** A finding whose detail begins with these figures. */
export interface JourneyFinding extends Finding {
  /** By what was counted. */
  readonly measured: Readonly<Record<string, number>>;
}

const MAX_SHOWN = 5;

/** Describes figures in one line. */
export function describeFigures(measured: Readonly<Record<string, number>>): string {
  return Object.entries(measured)
    .map(([what, count]) => `${figure(count)} ${what}`)
    .join(', ');
}

function finding(
  name: string,
  measured: Readonly<Record<string, number>>,
  problems: readonly string[],
  isEnough = true,
): JourneyFinding {
  const count = problems.length === 0 ? [] : [`${figure(problems.length)} problems`];
  const detail = [describeFigures(measured), ...count, ...problems.slice(0, MAX_SHOWN)].join('; ');
  return { name, holds: isEnough && problems.length === 0, detail, measured };
}

/** Runs all checks on the evidence of a journey. */
export function journeyFindings(evidence: JourneyEvidence): JourneyFinding[] {
  const { log, windows, moves, cells, acknowledged, comparisons, fileStates, sentOrders } = evidence;
  const { failed, wrong, answeredReads } = log;
  const notAllowed = failed.filter((failure) => allowing(failure, windows, moves) === undefined);
  return [
    finding(
      'every acknowledged write is on the primary, and once no intent is open, on both sides; nothing is doubled or invented',
      {
        'acknowledged writes': acknowledged,
        "comparisons with the legacy system's files and MongoDB's collection": comparisons,
      },
      evidence.storedProblems,
      comparisons > 0 && acknowledged > 0,
    ),
    finding(
      "each account's writes keep their order on both sides",
      { 'states of the files': fileStates, 'orders on the topic, by their offsets': sentOrders },
      evidence.orderProblems,
      fileStates > 1 && sentOrders > 0,
    ),
    finding(
      'each client reads its own writes, and never an older state than before',
      { 'reads answered': answeredReads },
      wrong.map(({ facade, reason, at }) => `${facade} at ${at} ms: ${reason}`),
      answeredReads > 0,
    ),
    finding(
      'requests fail only where the contract allows it',
      { 'failed requests': failed.length },
      notAllowed.map(
        ({ kind, facade, status, code, message, from, to }) =>
          `${kind} at ${to} ms after ${to - from} ms: ${facade} ${status ?? 'no answer'} ${code}: ${message}`,
      ),
    ),
    finding(
      'every stage was reached, and recovered from every fault; verify found both sides equal',
      { 'stages and changes': cells.length },
      evidence.stageProblems,
      cells.length === COLUMNS.length,
    ),
    finding(
      'no comparison found a mismatch',
      { 'mismatches after the re-check': evidence.mismatches.length },
      evidence.mismatches,
    ),
    finding(
      'apps end only when they are stopped',
      { 'apps that ended by themselves': evidence.processes.length },
      evidence.processes,
    ),
    finding(
      'the facades log no unexpected error',
      { 'unexpected errors': evidence.loggedErrors.length },
      evidence.loggedErrors,
    ),
  ];
}

/** Counts the failed requests that the contract allows, by their code. */
export function allowedByCode({ log, windows, moves }: Pick<JourneyEvidence, 'log' | 'windows' | 'moves'>) {
  const counts: Record<string, number> = {};
  for (const failure of log.failed) {
    if (allowing(failure, windows, moves) === undefined) continue;
    const { code } = failure;
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}
