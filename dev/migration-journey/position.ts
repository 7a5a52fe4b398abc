import {
  CAPABILITIES,
  stagesOf,
  type Capability,
  type ReadStage,
  type Stage,
  type WriteStage,
} from '../../apps/facade/src/stages/stages.js';

/** Where one capability is. */
export interface Place<S extends Stage = Stage> {
  readonly stage: S;
  readonly percent: number;
}

/** Where writes and all three kinds of reads are. */
export interface Position {
  readonly writes: Place<WriteStage>;
  readonly reads: Place<ReadStage>;
}

/** Returns a position. @param percent of both */
export function positionAt(writes: WriteStage, reads: ReadStage, percent = 100): Position {
  return { writes: { stage: writes, percent }, reads: { stage: reads, percent } };
}

/** One change that a facade accepts. */
export interface Step extends Place {
  readonly capability: Capability;
}

/** Where all four capabilities are. */
export type Places = Readonly<Record<Capability, Place>>;

/**
 * Returns the next change on the way to a position; `undefined` once it is reached. Also from positions into which an automatic rollback
 * has brought the migration.
 * @param readsFirst which of both goes first where the rules allow both
 */
export function nextStep(places: Places, goal: Position, readsFirst: boolean): Step | undefined {
  const goalOf = (capability: Capability): Place => (capability === 'writes' ? goal.writes : goal.reads);
  const writesBehind = isBehind('writes', places.writes, goal.writes);
  // Reads need writes at dualwrite; and the last step of writes, and their step back to off, come after those of all reads.
  const writesMustGoFirst = writesBehind && (places.writes.stage === 'off' || isPartOf(places.writes, 'dualwrite'));
  const writesMustWait = goal.writes.stage === 'complete' || goal.writes.stage === 'off';
  const isReadsFirst = writesMustGoFirst ? false : writesMustWait || readsFirst;
  const reads = CAPABILITIES.filter((capability) => capability !== 'writes');
  const order: readonly Capability[] = isReadsFirst ? [...reads, 'writes'] : ['writes', ...reads];
  for (const capability of order) {
    const step = stepOf(capability, places[capability], goalOf(capability));
    if (step !== undefined) return step;
  }
  return undefined;
}

function isPartOf({ stage: now, percent }: Place, stage: Stage): boolean {
  return now === stage && percent < 100;
}

function isBehind(capability: Capability, from: Place, to: Place): boolean {
  const stages: readonly Stage[] = stagesOf(capability);
  return stages.indexOf(from.stage) < stages.indexOf(to.stage);
}

/** A capability changes its stage one at a time, from and to 100 %; a stage begins at any percentage. */
function stepOf(capability: Capability, from: Place, to: Place): Step | undefined {
  const stages: readonly Stage[] = stagesOf(capability);
  const [now, last] = [stages.indexOf(from.stage), stages.indexOf(to.stage)];
  if (now === last) return from.percent === to.percent ? undefined : { capability, ...to };
  if (now > last) return { capability, stage: stages[now - 1] ?? from.stage, percent: 100 };
  if (now > 0 && from.percent < 100) return { capability, stage: from.stage, percent: 100 };
  return { capability, stage: stages[now + 1] ?? to.stage, percent: now + 1 === last ? to.percent : 100 };
}
