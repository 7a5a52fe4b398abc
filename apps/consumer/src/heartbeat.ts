import { randomUUID } from 'node:crypto';
import { type CpuInfo, cpus, hostname } from 'node:os';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import type { ParallelConsumerStatus, PartitionStatus } from '@orders-pipeline/parallel-consumer';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import {
  type ConsumerHeartbeat,
  consumersCollection,
  HEARTBEAT_EVERY_MS,
  type HeartbeatPartition,
  type OldestRecord,
  type ReportedState,
  findInFlightOverride,
} from '#orders/consumer/consumers.js';
import { MAX_ACCOUNT_LENGTH } from '#orders/order/order.js';
import { timeLimit } from '#orders/time-limit.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { ConsumerEngine, RebalanceCounter } from './consumer-engine.js';
import { SavedReports } from './saved-reports.js';
import { settings } from './settings.js';

/** Measures the CPU load of the machine, caused by all its processes. */
export class MachineLoad {
  private before: { readonly busy: number; readonly all: number };

  constructor(private readonly readCores: () => readonly Pick<CpuInfo, 'times'>[]) {
    this.before = this.spent();
  }

  /** Returns the load since the previous call, over all cores: 0 to 1. */
  sinceBefore(): number {
    const now = this.spent();
    const [busy, all] = [now.busy - this.before.busy, now.all - this.before.all];
    this.before = now;
    return all > 0 ? Math.min(1, Math.max(0, busy / all)) : 0;
  }

  private spent(): { busy: number; all: number } {
    const spent = { busy: 0, all: 0 };
    for (const { times } of this.readCores()) {
      const { idle, ...busy } = times;
      const working = Object.values(busy).reduce((sum, milliseconds) => sum + milliseconds, 0);
      spent.busy += working;
      spent.all += working + idle;
    }
    return spent;
  }
}

type Status = Pick<ParallelConsumerStatus, 'state' | 'joined' | 'ready' | 'partitions'>;

/** Returns the state that a consumer reports in its heartbeat. */
export function toReportedState({ state, joined, ready, partitions }: Status): ReportedState {
  if (state === 'starting') return 'starting';
  if (state === 'draining' || state === 'stopped') return 'draining';
  if (state === 'running' && !joined) return 'rebalancing';
  if (!ready) return 'waiting';
  return partitions.length === 0 ? 'idle' : 'ready';
}

/** Returns what a consumer reports of a partition in its heartbeat. */
export function toReportedPartition({
  partition,
  committable,
  lag,
  lagSeconds,
  oldestRecord,
}: Pick<PartitionStatus, 'partition' | 'committable' | 'lag' | 'lagSeconds' | 'oldestRecord'>): HeartbeatPartition {
  return {
    partition,
    committable,
    lagRecords: lag,
    lagSeconds: lagSeconds ?? null,
    oldest: oldestRecord === undefined ? null : toReportedRecord(oldestRecord),
  };
}

/** A key of another producer may have a megabyte. */
function toReportedRecord({ offset, key, ageMs, attempt }: NonNullable<PartitionStatus['oldestRecord']>): OldestRecord {
  const accountId = key !== null && key.length <= MAX_ACCOUNT_LENGTH ? key : null;
  return { offset, accountId, takenSeconds: ageMs / 1_000, attempt };
}

const REMOVE_TIMEOUT_MS = timeLimit(1_000);

/**
 * Writes this consumer's heartbeat to MongoDB once a second until it has drained, and polls the override of its in-flight limit and the
 * list of archived orders.
 * A failed round is skipped, since the next one writes the complete state.
 */
@Injectable()
export class Heartbeat implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('heartbeat');
  private readonly id = randomUUID();
  private readonly startedAt = new Date();
  private readonly machine = new MachineLoad(cpus);
  /** The in-flight limit that is in effect: the runtime override in MongoDB if there is one, otherwise this consumer's setting. */
  private inFlightLimit: number | 'auto' = settings.IN_FLIGHT_LIMIT;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly mongo: Mongo,
    private readonly savers: ConsumerEngine,
    private readonly rebalances: RebalanceCounter,
    private readonly reports: SavedReports,
    private readonly archived: ArchivedList,
  ) {}

  onApplicationBootstrap(): void {
    this.startRound();
    this.timer = setInterval(() => this.startRound(), HEARTBEAT_EVERY_MS);
  }

  /**
   * Removes the heartbeat after the drain, so that readers see at once that the consumer is gone. It does not wait for an
   * unavailable database: the last heartbeat then expires, as after a kill.
   */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await succeededWithin(systemClock, REMOVE_TIMEOUT_MS, this.remove());
  }

  private async remove(): Promise<void> {
    await Promise.all([this.writing, this.reports.flush()]);
    await this.tryStep('remove', async () => consumersCollection(this.mongo.db).deleteOne({ _id: this.id }));
  }

  private startRound(): void {
    this.writing ??= this.round().finally(() => {
      this.writing = undefined;
    });
  }

  private async round(): Promise<void> {
    await this.tryStep('poll the in-flight override', async () => this.pollInFlightOverride());
    await this.tryStep('poll the archived orders', async () => this.archived.refresh());
    await this.write();
  }

  /**
   * Reads the override from MongoDB and applies a changed limit.
   * @throws the error of MongoDB's driver; the limit is then unchanged
   */
  private async pollInFlightOverride(): Promise<void> {
    const override = await findInFlightOverride(this.mongo.db, settings.IN_FLIGHT_OVERRIDES_SINCE);
    const limit = override?.limit ?? settings.IN_FLIGHT_LIMIT;
    // Setting `auto` again would restart its search for the limit.
    if (limit === this.inFlightLimit) return;
    this.savers.setInFlight(limit);
    this.logger.log({ limit, before: this.inFlightLimit }, 'in-flight limit changed');
    this.inFlightLimit = limit;
  }

  private async write(): Promise<void> {
    const { _id, ...fields } = this.figures();
    await this.tryStep('write', async () =>
      consumersCollection(this.mongo.db).updateOne(
        { _id },
        // By the server's clock, because those of the consumers differ.
        { $set: fields, $currentDate: { at: true } },
        { upsert: true, writeConcern: { w: 1, journal: false } },
      ),
    );
  }

  private figures(): Omit<ConsumerHeartbeat, 'at'> {
    const { status } = this.savers;
    const { partitions, notReadyBecause, inFlight, inFlightLimit, ratePerSecond, finished, deadLettered } = status;
    const { user, system } = process.cpuUsage();
    return {
      _id: this.id,
      name: settings.INSTANCE_NAME,
      host: hostname(),
      pid: process.pid,
      startedAt: this.startedAt,
      state: toReportedState(status),
      notReadyBecause: notReadyBecause ?? null,
      partitions: partitions.map(toReportedPartition),
      inFlight,
      inFlightLimit,
      inFlightSet: this.inFlightLimit,
      ratePerSecond,
      finished,
      deadLettered,
      rebalances: this.rebalances.count,
      cpuSeconds: (user + system) / 1_000_000,
      machineLoad: this.machine.sinceBefore(),
    };
  }

  private async tryStep(step: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.debug({ step, reason: String(error) }, 'heartbeat step failed');
    }
  }
}
