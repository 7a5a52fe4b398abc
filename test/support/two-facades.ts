import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-response.js';
import { runsCollection } from '../../apps/facade/src/runs/run-document.js';
import { newProgress } from '../../apps/facade/src/verify/verification-progress.js';
import { emptyServers } from './empty-servers.js';
import { eventually } from './eventually.js';
import { ImitatedNewSide } from './imitated-new-side.js';
import { RunningFacade } from './running-facade.js';
import { RunningLegacy } from './running-legacy.js';
import { ScriptedSide } from './scripted-side.js';

const LEGACY_TIME_ZONE = 'Asia/Kolkata';

/** Two facade processes between a real legacy system and an imitated new side, with a real MongoDB. */
export class TwoFacades {
  private constructor(
    private readonly folder: string,
    private readonly mongo: MongoClient,
    /** The settings of a facade. */
    readonly env: NodeJS.ProcessEnv,
    readonly legacy: RunningLegacy,
    readonly newSide: ScriptedSide,
    readonly imitated: ImitatedNewSide,
    readonly one: RunningFacade,
    public two: RunningFacade,
  ) {}

  /** @param stage the stage of the writes, which all requests enter */
  static async start(stage: 'off' | 'dualwrite' | 'live' = 'off'): Promise<TwoFacades> {
    const folder = await mkdtemp(join(tmpdir(), 'orders-two-facades-'));
    const MONGODB_URI = (await emptyServers())?.MONGODB_URI ?? '';
    await migrateAt(MONGODB_URI);
    const legacy = await RunningLegacy.start(folder, { LEGACY_TIME_ZONE });
    const imitated = new ImitatedNewSide();
    const newSide = await ScriptedSide.start(imitated.answer);
    const env = {
      MONGODB_URI,
      LEGACY_URL: legacy.url,
      PRODUCER_URL: newSide.url,
      QUERY_API_URL: newSide.url,
      LEGACY_TIME_ZONE,
      // The tests decide about rollbacks.
      ROLLBACK_MIN_REQUESTS: '1000000',
      ROLLBACK_MAX_MISMATCHES: '1000000',
    };
    const [one, two] = await Promise.all([RunningFacade.start('one', env), RunningFacade.start('two', env)]);
    const around = new TwoFacades(folder, new MongoClient(MONGODB_URI), env, legacy, newSide, imitated, one, two);
    if (stage !== 'off') await around.moved('writes', 'dualwrite', { percent: 100 });
    if (stage === 'live') await around.moved('writes', 'live', { percent: 100, force: true });
    return around;
  }

  async end(): Promise<void> {
    await Promise.all([this.one.end(), this.two.end()]);
    this.newSide.close();
    await this.legacy.end();
    await this.mongo.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  get db(): Db {
    return this.mongo.db();
  }

  async restartTwo(): Promise<RunningFacade> {
    this.two = await RunningFacade.start('two', this.env);
    return this.two;
  }

  /** Moves a capability. @throws Error unless it succeeds */
  async moved(capability: string, stage: string, more: object = {}): Promise<MigrationResponse> {
    const { status, text, body } = await this.one.move(capability, stage, more);
    if (status !== 200) throw new Error(text);
    return body;
  }

  readonly onLegacy = async (id: string): Promise<unknown> =>
    JSON.parse((await this.legacy.get(`/orders/${id}`)).text) as unknown;

  /** Returns an order as the query API would; `null` if the new side does not have it. */
  readonly onNew = async (id: string): Promise<unknown> => {
    const answer = this.imitated.answer({ method: 'GET', path: `/v1/orders/${id}`, headers: {}, body: '' });
    const isFound = typeof answer === 'object' && answer.status !== 404;
    return Promise.resolve(isFound ? (JSON.parse(answer.body) as unknown) : null);
  };

  async drained(): Promise<void> {
    await eventually('no intent is open', async () => {
      const { body } = await this.one.get<{ count: number }>('/v1/migration/pending');
      return body.count === 0;
    });
  }

  /** Gives the lease of the outbox worker to an instance, and waits until it has renewed it. */
  async makeWorker(name: string): Promise<void> {
    const leases = this.db.collection<{ _id: string; owner: string; expiresAt: Date }>('migrationLeases');
    const instance = await this.db
      .collection<{ name: string; process: string }>('migrationInstances')
      .findOne({ name });
    const given = new Date(Date.now() + 60_000);
    await leases.updateOne({ _id: 'outbox' }, { $set: { owner: instance?.process ?? '', expiresAt: given } });
    await eventually(`${name} is the worker`, async () => {
      const lease = await leases.findOne({ _id: 'outbox' });
      return lease?.owner === instance?.process && (lease?.expiresAt ?? given) < given;
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

/** Returns the names of a gate's conditions. */
export function conditionsOf(gate: readonly { readonly condition: string }[] = []): string[] {
  return gate.map(({ condition }) => condition);
}

/** Returns what only a change changes: measured figures and the instances' heartbeats arrive at any time. */
export function decided({ revision, hold, change, capabilities }: MigrationResponse): unknown {
  const places = Object.entries(capabilities).map(([name, { stage, percent, version, since, gate }]) => {
    return { name, stage, percent, version, since, gate: conditionsOf(gate) };
  });
  return { revision, hold, change, places };
}
