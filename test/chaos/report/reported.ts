import type { Machine } from '../../../dev/machine/machine-description.js';
import type { ChaosOptions } from '../chaos-options.js';
import type { ChaosRun } from '../chaos-run.js';
import { togetherPlaces } from '../checks/cluster-findings.js';
import { FAULT_KINDS } from '../faults/fault-kinds.js';
import type { History } from '../history/history.js';

/** All that a report tells of. */
export interface Reported extends ChaosRun {
  readonly options: ChaosOptions;
  readonly wasInterrupted: boolean;
  readonly machine: Machine;
  readonly commit: string;
  /** Of what was tested with: Kafka, MongoDB, the registry, Node.js and the clients. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface SetUpText {
  readonly facts: string;
  /** The command that runs it again. */
  readonly again: string;
  /** Kinds of faults that were not done. */
  readonly leftOut: readonly string[];
}

/** What a green report does not say. */
export const NOT_SHOWN = [
  'All runs on one machine: what SIGKILL leaves in the page cache a power failure would not, and the machine itself never fails.',
  "A server's peers are disturbed all at once, never one of them alone, and only on their way to it, not on its way to them; clocks go wrong in the apps, not in the servers.",
  'The registry is asked by apps that start alone: that it is away nobody notices, unless an app starts meanwhile.',
  'Nothing is redriven, imported, paused or cancelled under these faults: `test/faults` has some for them.',
  'Reads are held against the large operation: what becomes of the small ones, the equation says alone.',
  'Of what was made the equation is held against the database; pages, ranges and ids are read by the API only here and there, its other answers not at all.',
  'Repeats that a consumer counted in its last second before it was killed are not among those told.',
  'A run that finds nothing proves nothing of the faults, and the moments for them, that it did not draw: other seeds draw others.',
];

export function isGreen({ findings }: Reported): boolean {
  return findings.every(({ holds }) => holds);
}

export function setUpOf({ options, machine, commit, versions, leftOut, history, wasInterrupted }: Reported): SetUpText {
  const { seed, minutes, orders, calmSeconds, only, productDirectory } = options;
  const flags = [`--seed ${seed}`, `--minutes ${minutes}`, `--orders ${orders}`, `--calm ${calmSeconds}`];
  if (only.length > 0) flags.push(`--only ${only.join(',')}`);
  if (productDirectory !== undefined) flags.push(`--product ${productDirectory}`);
  const begun = new Set(history.of('fault-begins').map(({ kind }) => kind));
  const notDrawn = FAULT_KINDS.map(({ name }) => name).filter(
    (name) => !begun.has(name) && !leftOut.includes(name) && (only.length === 0 || only.includes(name)),
  );
  const lasted = wasInterrupted
    ? `interrupted before its ${minutes} minutes were over`
    : `${minutes} minutes of faults, ${calmSeconds} s between them`;
  const parts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return {
    facts: `Seed ${seed}, ${lasted}, ${orders.toLocaleString('en-US')} orders; commit ${commit}; ${machine.cores} cores, ${machine.memoryGiB} GiB; ${parts.join(', ')}.`,
    again: `npm run chaos -- ${flags.join(' ')}`,
    leftOut: [
      ...(leftOut.length === 0 ? [] : [`Left out, since this machine does not allow them: ${leftOut.join(', ')}.`]),
      ...(notDrawn.length === 0 ? [] : [`Not come to in this time: ${notDrawn.join(', ')}.`]),
    ],
  };
}

/** One line for each fault: when it began, what it was, to what, how long it lasted, and how long the recovery took. */
export function faultLines(history: Pick<History, 'of'>): string[][] {
  const ends = new Map(history.of('fault-ends').map(({ place, at }) => [place, at]));
  const recovered = new Map(history.of('recovered').map(({ place, afterMs }) => [place, afterMs]));
  const together = togetherPlaces(history);
  const idle = new Set(history.of('fault-without-effect').map(({ place }) => place));
  return history.of('fault-begins').map(({ place, at, kind, subject }) => {
    const end = ends.get(place);
    const after = recovered.get(place);
    return [
      seconds(at),
      together.has(place) ? `${kind} (together)` : kind,
      idle.has(place) ? `${subject} (nobody noticed)` : subject,
      end === undefined ? '' : seconds(end - at),
      after === undefined ? '' : seconds(after),
    ];
  });
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}
