import { randomUUID } from 'node:crypto';
import { cpus, hostname } from 'node:os';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { consumersCollection, HEARTBEAT_EVERY_MS, type ConsumerHeartbeat } from '#orders/consumer/consumers.js';
import { ArchivedList } from '#orders/archive/archived-ranges.js';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import { Mongo } from '#service/mongodb/mongo.js';
import { MachineLoad } from './machine-load.js';
import { toReportedState } from './reported-state.js';
import { OrdersConsumer } from '../consume/orders-consumer.js';
import { Rebalances } from '../consume/rebalances.js';
import { SavedReports } from './saved-reports.js';
import { settings } from '../settings.js';
import { InFlightOverride } from '../consume/in-flight-override.js';
import { timeLimit } from '#orders/time-limit.js';

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
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly mongo: Mongo,
    private readonly savers: OrdersConsumer,
    private readonly rebalances: Rebalances,
    private readonly inFlight: InFlightOverride,
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
    await this.tryStep('poll the in-flight override', async () => this.inFlight.poll());
    await this.tryStep('poll the archived orders', async () => this.archived.refresh());
    await this.write();
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
      partitions: partitions.map(({ partition, committable, lag, lagSeconds }) => ({
        partition,
        committable,
        lagRecords: lag,
        lagSeconds: lagSeconds ?? null,
      })),
      inFlight,
      inFlightLimit,
      inFlightSet: this.inFlight.set,
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
