import { pause, type Clock } from '#parallel-consumer/clock.js';
import type { FollowedOperation, ProducerClient } from './producer-client.js';
import type { ProcessLook, ProcessWatch } from './process-watch.js';

/** One look at a run. */
export interface RunSample {
  /** Since the populate was sent. */
  readonly second: number;
  readonly acked: number;
  readonly saved: number;
  readonly deadLettered: number;
  readonly processes: ProcessLook;
}

const EVERY_MS = 1_000;
const TELL_EVERY = 5;
/** Nothing moves for so long: it won't any more. */
const STILL_MS = 180_000;

export interface FollowOptions {
  readonly client: Pick<ProducerClient, 'operation'>;
  readonly watch: Pick<ProcessWatch, 'look'>;
  readonly id: string;
  readonly orders: number;
  readonly clock: Clock;
  /** When the populate was sent, by the clock. */
  readonly startedAt: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Followed {
  /** One for each second, but for those in which the producer gave no answer. The last one has all. */
  readonly samples: readonly RunSample[];
  /** The operation as it was in the end: its emission has finished. */
  readonly operation: FollowedOperation;
}

/**
 * Looks once a second until every order is saved or among the dead letters.
 * @throws Error when the emission ends otherwise, or nothing moves for three minutes
 */
export async function follow(options: FollowOptions): Promise<Followed> {
  const { clock, startedAt, orders, print, signal } = options;
  const samples: RunSample[] = [];
  let movedAt = startedAt;
  for (;;) {
    await untilNextSecond(clock, startedAt);
    signal.throwIfAborted();
    const looked = await look(options);
    if (looked !== undefined) {
      const { operation, sample } = looked;
      refuseEnded(operation);
      if (progressOf(sample) > progressOf(samples.at(-1))) movedAt = clock.now();
      if (samples.length % TELL_EVERY === 0) print(`  ${lineOf(sample, orders)}`);
      // What has arrived everywhere is told as emitted a moment later.
      if (!isAllDone(samples.at(-1), orders)) samples.push(sample);
      if (isAllDone(sample, orders) && operation.finishedAt !== null) return { samples, operation };
    }
    if (clock.now() - movedAt > STILL_MS) throw new Error(`nothing moved for ${STILL_MS / 1_000} s`);
  }
}

/** @returns undefined when the producer gives no answer, which it may again in a moment */
async function look({ client, watch, id, clock, startedAt, print, signal }: FollowOptions) {
  const processes = await watch.look();
  try {
    const operation = await client.operation(id);
    const { acked, saved, deadLettered } = operation;
    const second = (clock.now() - startedAt) / 1_000;
    const sample = { second, acked, saved: saved ?? 0, deadLettered: deadLettered ?? 0, processes };
    return { operation, sample };
  } catch (error) {
    signal.throwIfAborted();
    print(`  the producer gave no answer: ${String(error)}`);
    return undefined;
  }
}

/** Whole seconds since the start; those that passed during a slow answer are left out. */
async function untilNextSecond(clock: Clock, startedAt: number): Promise<void> {
  await pause(clock, EVERY_MS - ((clock.now() - startedAt) % EVERY_MS));
}

function refuseEnded({ status }: FollowedOperation): void {
  if (status !== 'running' && status !== 'succeeded') throw new Error(`the operation is ${status}`);
}

function isAllDone(sample: RunSample | undefined, orders: number): boolean {
  return sample !== undefined && sample.saved + sample.deadLettered >= orders;
}

function progressOf(sample: RunSample | undefined): number {
  return sample === undefined ? 0 : sample.acked + sample.saved + sample.deadLettered;
}

function lineOf({ second, acked, saved, deadLettered }: RunSample, orders: number): string {
  const [a, s, all] = [acked, saved, orders].map((each) => each.toLocaleString('en-US'));
  const letters = deadLettered === 0 ? '' : `, ${deadLettered.toLocaleString('en-US')} dead letters`;
  return `${Math.round(second)} s: ${a} acknowledged, ${s} saved${letters}, of ${all}`;
}
