import { randomUUID } from 'node:crypto';
import { cpus, hostname } from 'node:os';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { consumersCollection, HEARTBEAT_EVERY_MS, type ConsumerHeartbeat } from '#orders/consumer-heartbeat.js';
import { succeededWithin, systemClock } from '#parallel-consumer/clock.js';
import { Mongo } from '#service/mongo.js';
import { MachineLoad } from './machine-load.js';
import { OrdersConsumer } from './orders-consumer.js';
import { Rebalances } from './rebalances.js';
import { SavedReports } from './saved-reports.js';
import { settings } from './settings.js';
import { InFlightOverride } from './in-flight-override.js';

const LEAVES_WITHIN_MS = 1_000;

/**
 * Makes this consumer known in MongoDB once a second, until it has drained, and looks for what is wished of it. A round that fails is left out: the
 * next one tells all.
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
  ) {}

  onApplicationBootstrap(): void {
    this.beat();
    this.timer = setInterval(() => this.beat(), HEARTBEAT_EVERY_MS);
  }

  /**
   * Gone, as everybody may see at once: it has drained. A database that is away is not waited for: what it still has of this consumer
   * gets old, as that of one that was killed.
   */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await succeededWithin(systemClock, LEAVES_WITHIN_MS, this.leave());
  }

  private async leave(): Promise<void> {
    await Promise.all([this.writing, this.reports.flush()]);
    await this.tried('removed', async () => consumersCollection(this.mongo.db).deleteOne({ _id: this.id }));
  }

  private beat(): void {
    this.writing ??= this.round().finally(() => {
      this.writing = undefined;
    });
  }

  private async round(): Promise<void> {
    await this.tried('looked for', async () => this.inFlight.look());
    await this.write();
  }

  private async write(): Promise<void> {
    const { _id, ...fields } = this.figures();
    await this.tried('written', async () =>
      consumersCollection(this.mongo.db).updateOne(
        { _id },
        // By the server's clock: those of the consumers differ.
        { $set: fields, $currentDate: { at: true } },
        { upsert: true, writeConcern: { w: 1, journal: false } },
      ),
    );
  }

  private figures(): Omit<ConsumerHeartbeat, 'at'> {
    const { partitions, notReadyBecause, inFlight, inFlightLimit, ratePerSecond, finished, deadLettered } =
      this.savers.status;
    const { user, system } = process.cpuUsage();
    return {
      _id: this.id,
      name: settings.INSTANCE_NAME,
      host: hostname(),
      pid: process.pid,
      startedAt: this.startedAt,
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

  private async tried(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.logger.debug(`not ${what}: ${String(error)}`);
    }
  }
}
