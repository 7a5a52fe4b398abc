import { pause, type Clock } from '@orders-pipeline/clock';
import type { FollowedOperation, ProducerClient } from './producer-client.js';
import type { ProcessSample, ProcessWatch } from './process-watch.js';

/** One sample of a run. */
export interface RunSample {
  /** Seconds since the populate request. */
  readonly second: number;
  readonly acked: number;
  readonly saved: number;
  readonly deadLettered: number;
  readonly processes: ProcessSample;
}

const EVERY_MS = 1_000;
const PRINT_EVERY = 5;
/** Without progress for this time, the run has failed. */
const STALL_TIMEOUT_MS = 180_000;

export interface FollowOptions {
  readonly client: Pick<ProducerClient, 'operation'>;
  readonly watch: Pick<ProcessWatch, 'sample'>;
  readonly id: string;
  readonly orders: number;
  readonly clock: Clock;
  /** Time of the populate request, by the clock. */
  readonly startedAt: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Followed {
  /** One per second, except for seconds without an answer of the producer. The last one has all orders. */
  readonly samples: readonly RunSample[];
  /** The operation after its emission has finished. */
  readonly operation: FollowedOperation;
}

/**
 * Samples the run once a second until every order is saved or dead-lettered.
 * @throws Error when the emission fails, or without progress for three minutes
 */
export async function follow(options: FollowOptions): Promise<Followed> {
  const { clock, startedAt, orders, print, signal } = options;
  const samples: RunSample[] = [];
  let lastProgressAt = startedAt;
  for (;;) {
    await untilNextSecond(clock, startedAt);
    signal.throwIfAborted();
    const taken = await takeSample(options);
    if (taken !== undefined) {
      const { operation, sample } = taken;
      requireNotFailed(operation);
      if (progressOf(sample) > progressOf(samples.at(-1))) lastProgressAt = clock.now();
      if (samples.length % PRINT_EVERY === 0) print(`  ${lineOf(sample, orders)}`);
      // The producer may report the end of the emission shortly after the last order is saved.
      if (!isAllDone(samples.at(-1), orders)) samples.push(sample);
      if (isAllDone(sample, orders) && operation.finishedAt !== null) return { samples, operation };
    }
    if (clock.now() - lastProgressAt > STALL_TIMEOUT_MS)
      throw new Error(`no progress for ${STALL_TIMEOUT_MS / 1_000} s`);
  }
}

/** @returns undefined when the producer does not answer, which may be temporary */
async function takeSample({ client, watch, id, clock, startedAt, print, signal }: FollowOptions) {
  const processes = await watch.sample();
  try {
    const operation = await client.operation(id);
    const { acked, saved, deadLettered } = operation;
    const second = (clock.now() - startedAt) / 1_000;
    const sample = { second, acked, saved: saved ?? 0, deadLettered: deadLettered ?? 0, processes };
    return { operation, sample };
  } catch (error) {
    signal.throwIfAborted();
    print(`  the producer did not answer: ${String(error)}`);
    return undefined;
  }
}

/** Waits for the next whole second since the start; seconds that pass during a slow answer are skipped. */
async function untilNextSecond(clock: Clock, startedAt: number): Promise<void> {
  await pause(clock, EVERY_MS - ((clock.now() - startedAt) % EVERY_MS));
}

function requireNotFailed({ status }: FollowedOperation): void {
  if (status !== 'running' && status !== 'succeeded') throw new Error(`the operation has the status ${status}`);
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
