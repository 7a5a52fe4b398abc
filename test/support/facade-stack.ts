import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@orders-pipeline/clock';
import { MongoClient, type Db } from 'mongodb';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-api.js';
import { runsCollection } from '../../apps/facade/src/runs/stored-runs.js';
import { READ_STAGES, type ReadStage, READ_CAPABILITIES } from '../../apps/facade/src/stages/migration-snapshot.js';
import { newProgress } from '../../apps/facade/src/runs/verification.js';
import { emptyServers } from './empty-servers.js';
import { eventually } from './eventually.js';
import { ImitatedNewSide } from './imitated-new-side.js';
import { ScriptedSide } from './scripted-side.js';
import { RunningFacade, RunningLegacy } from './started-app.js';

/** Half an hour off every other zone, so that a time in the machine's zone is noticed. */
export const ZONE = new LegacyTimeZone('Asia/Kolkata');
/** Nothing listens on the discard port. */
export const NOWHERE = 'http://127.0.0.1:9';

const FORCE = { force: true };

/** A real legacy system, an imitated new side, a real MongoDB, and facade processes between them, which all are at the same stages. */
export class FacadeStack {
  private readonly facades: RunningFacade[] = [];

  private constructor(
    private readonly folder: string,
    private readonly mongo: MongoClient,
    private readonly env: NodeJS.ProcessEnv,
    readonly legacy: RunningLegacy,
    readonly newSide: ScriptedSide,
    readonly imitated: ImitatedNewSide,
  ) {}

  /** Starts all, with one facade. */
  static async start(): Promise<FacadeStack> {
    const folder = await mkdtemp(join(tmpdir(), 'orders-facades-'));
    const MONGODB_URI = (await emptyServers())?.MONGODB_URI ?? '';
    await migrateAt(MONGODB_URI);
    const legacy = await RunningLegacy.start(folder, { LEGACY_TIME_ZONE: ZONE.name });
    const imitated = new ImitatedNewSide();
    const newSide = await ScriptedSide.start(imitated.answer);
    const env = {
      MONGODB_URI,
      LEGACY_URL: legacy.url,
      PRODUCER_URL: newSide.url,
      QUERY_API_URL: newSide.url,
      LEGACY_TIME_ZONE: ZONE.name,
      COMPARED_PER_SECOND: '10000',
      // The tests decide about rollbacks.
      ROLLBACK_MIN_REQUESTS: '1000000',
      ROLLBACK_MAX_MISMATCHES: '1000000',
    };
    const stack = new FacadeStack(folder, new MongoClient(MONGODB_URI), env, legacy, newSide, imitated);
    await stack.facade('one');
    return stack;
  }

  /** Starts one more facade. @param env its settings besides those of the others */
  async facade(name: string, env: NodeJS.ProcessEnv = {}): Promise<RunningFacade> {
    const facade = await RunningFacade.start(name, { ...this.env, ...env });
    this.facades.push(facade);
    return facade;
  }

  /** The facade that changes stages. */
  get one(): RunningFacade {
    return this.facades[0] as RunningFacade;
  }

  get db(): Db {
    return this.mongo.db();
  }

  async end(): Promise<void> {
    await Promise.all(this.facades.map(async (facade) => facade.end()));
    this.newSide.close();
    await this.legacy.end();
    await this.mongo.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Moves a capability. @throws Error unless it succeeds */
  async moved(capability: string, stage: string, more: object = {}): Promise<MigrationResponse> {
    const { status, text, body } = await this.one.move(capability, stage, more);
    if (status !== 200) throw new Error(text);
    return body;
  }

  /** Moves the writes forward, by force, from `off`. */
  async writesAt(stage: 'dualwrite' | 'live'): Promise<void> {
    await this.moved('writes', 'dualwrite');
    if (stage === 'live') await this.moved('writes', 'live', FORCE);
  }

  /** Moves all reads to `off` and then up to a stage, by force, and waits until each facade is there. Figures are counted anew. */
  async readsAt(stage: ReadStage): Promise<void> {
    const { capabilities } = await this.one.state();
    for (const read of READ_CAPABILITIES) {
      const from = READ_STAGES.indexOf(capabilities[read].stage as ReadStage);
      const up = READ_STAGES.slice(1, READ_STAGES.indexOf(stage) + 1);
      for (const step of [...READ_STAGES.slice(0, from).toReversed(), ...up]) await this.moved(read, step, FORCE);
    }
    const { revision } = await this.one.state();
    await eventually('each facade is there', async () =>
      (await this.one.state()).instances.every((instance) => instance.revision >= revision),
    );
  }

  readonly onLegacy = async (id: string): Promise<unknown> => (await this.legacy.get(`/orders/${id}`)).body;

  async pendingIs(count: number): Promise<void> {
    await eventually(`${count} intents are open`, async () => {
      const { body } = await this.one.get<{ count: number }>('/v1/migration/pending');
      return body.count === count;
    });
  }

  /** Gives the lease of the outbox worker to an instance, and waits until it has renewed it. */
  async makeWorker(name: string): Promise<void> {
    const leases = this.db.collection<{ _id: string; owner: string; expiresAt: Date }>('migrationLeases');
    const instances = this.db.collection<{ name: string; process: string }>('migrationInstances');
    const owner = (await instances.findOne({ name }))?.process ?? '';
    const expiresAt = new Date(systemClock.now() + 3_600_000);
    await leases.updateOne({ _id: 'outbox' }, { $set: { owner, expiresAt } });
    await eventually(`${name} is the worker`, async () => {
      const lease = await leases.findOne({ _id: 'outbox' });
      return lease?.owner === owner && lease.expiresAt < expiresAt;
    });
  }

  /** Ends the lease of a dead worker at once, instead of waiting for its end. */
  async expireWorker(): Promise<void> {
    const leases = this.db.collection<{ _id: string; expiresAt: Date }>('migrationLeases');
    await leases.updateOne({ _id: 'outbox' }, { $set: { expiresAt: new Date(0) } });
  }

  /** Lets the gate see a verification that begins now and finds both sides equal. The imitated new side takes no imports. */
  async verified(): Promise<void> {
    const now = new Date();
    await runsCollection(this.db).insertOne({
      _id: randomUUID(),
      kind: 'verify',
      status: 'ended',
      progress: newProgress(0),
      result: 'equal',
      problem: null,
      by: 'a test',
      startedAt: now,
      endedAt: now,
      lease: null,
      epoch: 1,
    });
  }
}
