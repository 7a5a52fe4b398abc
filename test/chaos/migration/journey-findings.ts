import { allowing, type FaultWindow, type Interval } from '../../../dev/migration-journey/allowed-failures.js';
import type { RequestLog } from '../../../dev/migration-journey/request-log.js';
import { figure, type Finding } from '../checks/evidence.js';
import { COLUMNS } from './fault-table.js';
import type { CellResult } from './journey.js';

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

const MAX_SHOWN = 5;

function finding(name: string, isEnough: boolean, measured: string, problems: readonly string[]): Finding {
  const shown = problems.slice(0, MAX_SHOWN);
  const detail = [measured, ...(problems.length === 0 ? [] : [`${figure(problems.length)} problems`]), ...shown];
  return { name, holds: isEnough && problems.length === 0, detail: detail.join('; ') };
}

/** Runs all checks on the evidence of a journey. */
export function journeyFindings(evidence: JourneyEvidence): Finding[] {
  const { log, windows, moves, cells, acknowledged } = evidence;
  const { failed, wrong, answeredReads } = log;
  const notAllowed = failed.filter((failure) => allowing(failure, windows, moves) === undefined);
  const slowest = Math.max(0, ...cells.map(({ recoveredMs }) => recoveredMs ?? 0));
  return [
    finding(
      'every acknowledged write is on the side that answers, and once no intent is open, on both; nothing is doubled or invented',
      evidence.comparisons > 0 && acknowledged > 0,
      `${figure(acknowledged)} acknowledged writes, compared ${figure(evidence.comparisons)} times with the legacy system's files and MongoDB's collection`,
      evidence.storedProblems,
    ),
    finding(
      "each account's writes keep their order on both sides",
      evidence.fileStates > 1 && evidence.sentOrders > 0,
      `${figure(evidence.fileStates)} states of the files, and the offsets of ${figure(evidence.sentOrders)} orders on the topic`,
      evidence.orderProblems,
    ),
    finding(
      'each client reads its own writes, and never an older state than before',
      answeredReads > 0,
      `${figure(answeredReads)} reads answered`,
      wrong.map(({ facade, reason, at }) => `${facade} at ${at} ms: ${reason}`),
    ),
    finding(
      'requests fail only where the contract allows it',
      true,
      `${figure(failed.length)} failed requests`,
      notAllowed.map(
        ({ kind, facade, status, code, message, from, to }) =>
          `${kind} at ${to} ms after ${to - from} ms: ${facade} ${status ?? 'no answer'} ${code}: ${message}`,
      ),
    ),
    finding(
      'every stage was reached, and recovered from every fault; verify found both sides equal',
      cells.length === COLUMNS.length,
      `${cells.length} of ${COLUMNS.length} stages and changes, slowest recovery ${(slowest / 1_000).toFixed(1)} s`,
      evidence.stageProblems,
    ),
    finding('no comparison found a mismatch', true, 'mismatches after the re-check: none wanted', evidence.mismatches),
    finding('apps end only when they are stopped', true, 'apps that ended by themselves', evidence.processes),
    finding('the facades log no unexpected error', true, 'lines of level error', evidence.loggedErrors),
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
