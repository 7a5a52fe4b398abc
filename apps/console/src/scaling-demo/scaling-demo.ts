import { randomUUID } from 'node:crypto';
import { HttpStatus } from '@nestjs/common';
import { pause, succeededWithin, type Clock } from '@orders-pipeline/clock';
import type { Logger } from 'pino';
import { timeLimit } from '#orders/time-limit.js';
import { Problem } from '#service/http/problem.js';
import { type Actuator, ScalingRefusedError } from '../autoscaling/actuators.js';
import type { SeenLoad } from '../autoscaling/autoscaler.js';
import type { AutoscalingStatus } from '../autoscaling/autoscaling-status.js';
import { hasWork, isCalm, livingOf, type Observation } from '../changes/observation.js';
import type { PipelineChange } from '../changes/pipeline-changes.js';
import { MEASURED_SECONDS } from '../changes/verdict-timing.js';
import { notScaledHere } from '../scaling/scaling-target.js';
import { requireQuiet } from './demo-conditions.js';
import { DEMO_CONSUMERS, NOT_RESTORED } from './demo-steps.js';
import type { DemoStore, PendingDemo } from './demo-store.js';
import type { ScalingDemoView } from './scaling-demo-response.js';

/** The last demo, for all who show it. */
export class ScalingDemoStatus {
  /** `null`: none since the console started. */
  latest: ScalingDemoView | null = null;

  get isRunning(): boolean {
    return this.latest !== null && this.latest.endedAt === null;
  }

  /** @throws Problem 409 while a demo changes the consumers and their limit */
  requireNone(): void {
    if (this.isRunning) throw demoIsRunning();
  }
}

function demoIsRunning(): Problem {
  return new Problem(
    HttpStatus.CONFLICT,
    'scaling-demo-running',
    'A scaling demo is running. Stop it, or wait until it has restored what it changed.',
  );
}

/** Generates test orders in the name of who has started the demo. @returns the operation @throws DemoEnd */
type PopulateForDemo = (order: { count: number; key: string; signal: AbortSignal }) => Promise<string>;

/** Why a demo ends without a verdict. */
export class DemoEnd extends Error {
  override readonly name = 'DemoEnd';

  constructor(
    readonly status: 'failed' | 'cancelled' | 'interrupted',
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

type Find<T> = (load: SeenLoad, seen: Observation) => T | null;

interface DemoParts {
  readonly status: ScalingDemoStatus;
  readonly store: DemoStore;
  /** `null`: the console can not scale. */
  readonly actuator: Actuator | null;
  readonly autoscaling: AutoscalingStatus;
  /** Returns what was observed last, at most a second ago. */
  readonly observe: () => Promise<SeenLoad | undefined>;
  readonly machineLoad: () => number | null;
  readonly clock: Clock;
  /** The process that starts and stops the consumers. */
  readonly parent: number;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
}

/** One consumer then saves 1,000 orders/s, if a save takes half a second: a tenth of what it can do. A lower limit is kept. */
const IN_FLIGHT = 500;
/** For 80 s of one consumer, or 40 s of one and 13 s of three: the rates are `in flight / 0.5 s` each. */
const ORDERS_PER_IN_FLIGHT = 160;
/** A limit that is used to this share is what bounds the rate. */
const USED_UP = 0.8;
/** Without work for so long, all orders are saved. */
const IDLE_MS = 3_000;
/** One consumer saves for as long as a verdict compares with, after all orders are sent. */
const STEADY_MS = 1_000 * (MEASURED_SECONDS + 4);
const EVERY_MS = 1_000;
/** From the start to the verdict. */
const LIMIT_MS = timeLimit(180_000);
/** How long a restored number of consumers is awaited. */
const SETTLE_MS = timeLimit(60_000);
const STOP_MS = timeLimit(3_000);

/**
 * Shows the effect of more consumers: with a low in-flight limit, one saves test orders, then three, and their rates are compared. What it
 * changes is stored before, and restored at every end; after a crash by the next console.
 */
export class ScalingDemo {
  private readonly stopping = new AbortController();
  private running: AbortController | undefined;
  private isStarting = false;
  private ended: Promise<void> = Promise.resolve();

  constructor(private readonly parts: DemoParts) {}

  /**
   * Starts a demo, which goes on without its caller.
   * @param ignoreLoad whether the machine may be busy
   * @throws Problem 409 when one runs, scaling is not possible, or it would disturb other work; 503 when the helper does not answer
   */
  async start(populate: PopulateForDemo, ignoreLoad: boolean): Promise<ScalingDemoView> {
    const { status, actuator } = this.parts;
    status.requireNone();
    if (this.isStarting) throw demoIsRunning();
    if (actuator === null) throw notScaledHere();
    this.isStarting = true;
    try {
      const pending = await this.prepare(actuator, ignoreLoad);
      status.latest = viewOf(pending);
      this.ended = this.run(pending, actuator, populate);
      return status.latest;
    } finally {
      this.isStarting = false;
    }
  }

  /** Ends the demo, and restores what it changed. @throws Problem 409 when none runs */
  cancel(): ScalingDemoView {
    const { latest, isRunning } = this.parts.status;
    if (latest === null || !isRunning)
      throw new Problem(HttpStatus.CONFLICT, 'no-scaling-demo', 'No scaling demo is running.');
    this.running?.abort(new DemoEnd('cancelled', 'stopped', 'The demo was stopped.'));
    return latest;
  }

  /** Restores what a demo of an earlier process has changed, once that process has lost its lease. */
  recover(): void {
    this.ended = this.restoreEarlier();
  }

  /** Ends a demo, and tries to restore what it changed; otherwise the next console does. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.running?.abort(consoleStopped());
    await succeededWithin(this.parts.clock, STOP_MS, this.ended);
  }

  private async prepare(actuator: Actuator, ignoreLoad: boolean): Promise<PendingDemo> {
    const { observe, machineLoad, autoscaling, store, clock, parent } = this.parts;
    const seen = { load: await observe(), machineLoad: machineLoad(), autoscaling, now: clock.now() };
    const { observation, configuredConsumers } = requireQuiet(seen, ignoreLoad);
    const consumers = await restorableNumber(actuator, configuredConsumers ?? livingOf(observation).size);
    const { isHeld, pending: earlier } = await store.take();
    // The console that ran it has ended, after this one looked for demos to restore.
    if (isHeld && earlier !== null) this.recover();
    if (!isHeld || earlier !== null) throw demoIsRunning();
    const limit = Math.min(
      IN_FLIGHT,
      typeof observation.inFlightSet === 'number' ? observation.inFlightSet : IN_FLIGHT,
    );
    return {
      id: randomUUID(),
      startedAt: new Date(clock.now()).toISOString(),
      consumers,
      override: await store.override(),
      limit,
      orders: ORDERS_PER_IN_FLIGHT * limit,
      parent,
    };
  }

  /** Never rejects. */
  private async run(pending: PendingDemo, actuator: Actuator, populate: PopulateForDemo): Promise<void> {
    const { clock, logger } = this.parts;
    const running = new AbortController();
    this.running = running;
    const late = new DemoEnd('failed', 'demo-timed-out', `There was no verdict within ${LIMIT_MS / 1_000} s.`);
    const cancel = clock.after(LIMIT_MS, () => running.abort(late));
    logger.info({ limit: pending.limit, orders: pending.orders }, 'scaling demo started');
    const result = await this.compare(pending, actuator, populate, running.signal).catch((error: unknown) => {
      if (!(error instanceof DemoEnd)) logger.warn({ reason: String(error) }, 'scaling demo failed');
      return failed(error);
    });
    cancel();
    this.update({ ...result, step: 'restore' });
    await this.restore(pending);
    const { status, error } = this.parts.status.latest ?? {};
    logger.info({ status, reason: error?.message }, 'scaling demo ended');
  }

  private async compare(
    pending: PendingDemo,
    actuator: Actuator,
    populate: PopulateForDemo,
    signal: AbortSignal,
  ): Promise<Partial<ScalingDemoView>> {
    const { limit, orders: count, id: key } = pending;
    await this.parts.store.begin(pending);
    await this.scale(actuator, DEMO_CONSUMERS.before);
    const isReady = (seen: Observation): boolean =>
      hasConsumers(seen, DEMO_CONSUMERS.before) && seen.inFlightSet === limit;
    await this.until(signal, (_, seen) => isReady(seen) || null);
    this.update({ step: 'populate' });
    this.update({ step: 'measure', operationId: await populate({ count, key, signal }) });
    let steadySince: number | null = null;
    // It is idle only after the first orders have arrived.
    let idleSince: number | null = Number.POSITIVE_INFINITY;
    const measuredAt = await this.until(signal, ({ changes, isDisturbed }, seen) => {
      const isSteady = isReady(seen) && !isDisturbed && hasWork(seen) && seen.inFlight >= USED_UP * limit;
      steadySince = isSteady ? (steadySince ?? seen.at) : null;
      idleSince = seen.lagRecords > 0 ? null : (idleSince ?? seen.at);
      if (idleSince !== null && seen.at - idleSince >= IDLE_MS)
        throw new DemoEnd(
          'failed',
          'no-verdict',
          'All orders were saved before one consumer was measured: the saves are too fast.',
        );
      // A change that is being measured would be merged with the next one.
      const isJudged = changes.every(({ kind, verdict }) => kind !== 'scaling' || verdict !== null);
      return steadySince !== null && seen.at - steadySince >= STEADY_MS && isJudged ? seen.at : null;
    });
    this.update({ step: 'scale' });
    await this.scale(actuator, DEMO_CONSUMERS.after);
    return resultOf(await this.until(signal, ({ changes }) => judgedSince(changes, measuredAt)));
  }

  /** Scales as a person does: the autoscaler holds. */
  private async scale(actuator: Actuator, consumers: number): Promise<void> {
    await actuator.set(consumers);
    this.parts.autoscaling.noteByHand(consumers);
  }

  /** Waits until `find` returns something, and keeps the lease meanwhile. @throws the reason of the signal */
  private async until<T>(signal: AbortSignal, find: Find<T>): Promise<T> {
    return this.observed(signal, find, async () => {
      if (!(await this.parts.store.renew())) throw new DemoEnd('failed', 'lease-lost', 'Another console took over.');
    });
  }

  private async observed<T>(
    signal: AbortSignal,
    find: Find<T>,
    each = async (): Promise<void> => undefined,
  ): Promise<T> {
    const { observe, clock } = this.parts;
    for (;;) {
      signal.throwIfAborted();
      await each();
      const load = await observe();
      const found = load?.observation === undefined ? null : find(load, load.observation);
      if (found !== null) return found;
      await pause(clock, EVERY_MS, signal);
    }
  }

  /**
   * Restores, and waits until the consumers have started or drained; then the demo has ended. Retries while MongoDB or the helper is
   * unavailable, until the console stops: the next console goes on.
   */
  private async restore(pending: PendingDemo): Promise<void> {
    const { clock } = this.parts;
    while (!(await this.undo(pending))) {
      if (this.stopping.signal.aborted) return;
      await pause(clock, EVERY_MS);
    }
    if (this.isOurs(pending)) await this.untilSettled(pending.consumers);
    this.running = undefined;
    this.update({ step: null, endedAt: new Date(clock.now()).toISOString() });
  }

  private async untilSettled(consumers: number): Promise<void> {
    const { clock, logger } = this.parts;
    const late = new AbortController();
    const cancel = clock.after(SETTLE_MS, () => late.abort());
    const signal = AbortSignal.any([late.signal, this.stopping.signal]);
    await this.observed(signal, (_, seen) => hasConsumers(seen, consumers) || null).catch(() => undefined);
    cancel();
    if (late.signal.aborted) logger.warn({ consumers }, 'the consumers have not settled after the demo');
  }

  /** Whether the consumers are those of the demo: a later `npm start` has its own number of them. */
  private isOurs({ parent }: PendingDemo): boolean {
    return this.parts.actuator !== null && parent === this.parts.parent;
  }

  /** @returns whether everything was requested; it may be repeated */
  private async undo(pending: PendingDemo): Promise<boolean> {
    const { store, actuator, logger } = this.parts;
    try {
      await store.restoreLimit(pending);
      if (actuator !== null && this.isOurs(pending)) await this.scaleBack(actuator, pending.consumers);
      await store.end();
      return true;
    } catch (error) {
      logger.warn({ reason: String(error) }, 'the scaling demo can not be restored, retrying');
      return false;
    }
  }

  private async scaleBack(actuator: Actuator, consumers: number): Promise<void> {
    try {
      await this.scale(actuator, consumers);
    } catch (error) {
      if (!(error instanceof ScalingRefusedError)) throw error;
      this.parts.logger.warn({ consumers, reason: error.message }, 'the number of consumers can not be restored');
      const message = `The number of consumers was not restored: set it to ${consumers}.`;
      this.update({ status: 'failed', error: { code: NOT_RESTORED, message } });
    }
  }

  private async restoreEarlier(): Promise<void> {
    const { clock, logger } = this.parts;
    while (!this.stopping.signal.aborted) {
      try {
        if (await this.hasRestoredEarlier()) return;
      } catch (error) {
        logger.warn({ reason: String(error) }, 'it is not known whether a scaling demo was interrupted, retrying');
      }
      await pause(clock, EVERY_MS);
    }
  }

  /** @returns whether there is nothing to restore any more */
  private async hasRestoredEarlier(): Promise<boolean> {
    const { store, status, logger } = this.parts;
    if ((await store.find()) === null || this.running !== undefined) return true;
    const { isHeld, pending } = await store.take();
    if (!isHeld || pending === null) return false;
    logger.info({ consumers: pending.consumers }, 'restoring a scaling demo that was interrupted');
    status.latest = { ...viewOf(pending), ...failed(consoleStopped()), step: 'restore' };
    await this.restore(pending);
    return true;
  }

  private update(change: Partial<ScalingDemoView>): void {
    const { status } = this.parts;
    if (status.latest !== null) status.latest = { ...status.latest, ...change };
  }
}

function viewOf({ id, startedAt, limit, orders }: PendingDemo): ScalingDemoView {
  const unknown = { endedAt: null, operationId: null, before: null, after: null, verdict: null, error: null };
  return { id, startedAt, limit, orders, status: 'running', step: 'prepare', ...unknown };
}

function consoleStopped(): DemoEnd {
  return new DemoEnd('interrupted', 'console-stopped', 'The console was stopped during the demo.');
}

function hasConsumers(seen: Observation, count: number): boolean {
  return livingOf(seen).size === count && isCalm(seen);
}

/** Messages of servers and helpers are for the log only: all who may read orders see the view. */
function failed(error: unknown): Pick<ScalingDemoView, 'status' | 'error'> {
  if (error instanceof DemoEnd) return { status: error.status, error: { code: error.code, message: error.message } };
  return { status: 'failed', error: { code: 'demo-failed', message: 'The log of the console has the reason.' } };
}

/**
 * Returns the present number of consumers, once it is sure that it can be set again.
 * @throws Problem 409 `not-restorable`, or 503 `scaler-away`
 */
async function restorableNumber(actuator: Actuator, observed: number): Promise<number> {
  try {
    const present = (await actuator.present()) ?? observed;
    await actuator.set(present);
    return present;
  } catch (error) {
    if (error instanceof ScalingRefusedError)
      throw new Problem(
        HttpStatus.CONFLICT,
        'not-restorable',
        'The present number of consumers is beyond the bounds of what scales them (CONSUMERS_MIN, CONSUMERS_MAX), so it could not be restored.',
      );
    throw new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'scaler-away', 'What scales the consumers does not answer.');
  }
}

/** @returns the scaling of the demo once it has a verdict */
function judgedSince(changes: readonly PipelineChange[], since: number): PipelineChange | null {
  const last = changes.findLast(({ at, to }) => at > since && to?.consumers === DEMO_CONSUMERS.after);
  return last === undefined || last.verdict === null ? null : last;
}

/** @throws DemoEnd when it was not measured */
function resultOf({ from, before, after, verdict }: PipelineChange): Partial<ScalingDemoView> {
  if (from?.consumers !== DEMO_CONSUMERS.before)
    throw new DemoEnd('failed', 'no-verdict', 'The consumers did not start together.');
  if (verdict === null || verdict.outcome === 'unknown')
    throw new DemoEnd('failed', 'no-verdict', verdict?.text ?? 'There is no verdict.');
  return { status: 'succeeded', before, after, verdict };
}
