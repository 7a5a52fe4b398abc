import assert from 'node:assert/strict';
import { MongoClient, type Db } from 'mongodb';
import { INDEXED_COLLECTIONS, RETIRED } from '#orders/database/indexes.js';
import type { ReconcileReport } from '#reconcile/report.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { runDocumented, type DocumentedRun } from '../support/documented/run-documented.js';
import { emptyServers, type GivenServers } from '../support/empty-servers.js';
import { eventually } from '../support/eventually.js';
import { compareStores } from '../support/foreign-clients/python-packages.js';
import type { Run } from '../support/run-app.js';
import { ClientLoad, type Clients } from './client-load.js';
import { Fleet, type MemberName } from './fleet.js';
import type { Release } from './releases.js';
import { RequestLog, RetryingClient } from './retrying-client.js';
import { WorkUnderWay } from './work-under-way.js';

const SECRET = 'a secret of more than thirty-two characters';

/** A deployment whose services are replaced by those of another version, with its clients, and all that is checked of it. */
export class UpgradedDeployment {
  readonly fleet: Fleet;
  readonly clients: Clients;
  /** All operations whose orders must be complete. */
  readonly operations = new Set<string>();
  private readonly requests = new RequestLog();

  private constructor(
    readonly servers: GivenServers,
    private readonly mongo: MongoClient,
  ) {
    const settings = {
      'query-api': { PAGE_TOKEN_SECRET: SECRET },
      producer: { ALLOW_FAULT_INJECTION: 'true' },
      consumer: { SAVE_DELAY_MS: '0..200' },
    };
    this.fleet = new Fleet(servers, settings, this.note);
    const client = (name: 'producer' | 'query-api' | 'console'): RetryingClient =>
      new RetryingClient(name, () => this.fleet.urls(name), this.requests);
    this.clients = { producer: client('producer'), queryApi: client('query-api'), console: client('console') };
  }

  /** Connects to the empty servers of this Jest worker. No service runs yet, and the database is not migrated. */
  static async onEmptyServers(): Promise<UpgradedDeployment> {
    const servers = await emptyServers();
    if (servers === undefined) throw new Error('this project has shared servers');
    return new UpgradedDeployment(servers, await MongoClient.connect(servers.MONGODB_URI));
  }

  /** Prints what happened. */
  readonly note = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };

  get db(): Db {
    return this.mongo.db();
  }

  /** Ends all services. */
  async end(): Promise<void> {
    await this.fleet.end();
    await this.mongo.close();
    this.note(this.requests.summary);
  }

  /** Runs commands of docs/upgrade.md, from the folder of the current version. */
  async run(command: string | readonly string[], replacing: DocumentedRun['replacing'] = {}): Promise<Run> {
    return runDocumented(command, { replacing, env: { ...this.servers, ORDERS_URL: this.fleet.url('producer-1') } });
  }

  /** Replaces one service after another, and checks each by the documented command. */
  async replaceAll(order: readonly MemberName[], release: Release): Promise<void> {
    for (const name of order) {
      await this.fleet.replace(name, release);
      const place = { 'HOST:PORT': new URL(this.fleet.url(name)).host };
      const { code } = await this.run('curl -sf HOST:PORT/health/ready', place);
      assert.equal(code, 0, `${name} is not ready`);
    }
  }

  /**
   * Replaces services while work of every kind is under way and clients send requests. Checks that the keys of the first operations still
   * find them, and that no client saw a contradiction.
   */
  async underLoad(replace: () => Promise<void>): Promise<void> {
    const load = new ClientLoad(this.clients);
    const work = await WorkUnderWay.start(this.clients.producer);
    this.note('a populate, an import and a redrive are under way; clients read and populate');
    try {
      await replace();
      assert.deepEqual(await work.repeatFirst(), [work.ids.populate[0], work.ids.import[0], work.ids.redrive[0]]);
    } finally {
      await load.stop();
      this.noteEnded(await work.stop());
    }
    assert.deepEqual(load.contradictions, []);
    for (const id of [...work.ids.populate, ...work.ids.import, ...load.operations]) this.operations.add(id);
    this.note(`${load.operations.length} populates of clients, each sent twice under its key`);
  }

  private noteEnded(operations: readonly OperationResponse[]): void {
    for (const [kind, ended] of Map.groupBy(operations, (operation) => operation.kind)) {
      const sum = (count: (operation: OperationResponse) => number | null | undefined): number =>
        ended.reduce((total, operation) => total + (count(operation) ?? 0), 0);
      const sent = sum(({ acked, redrive }) => redrive?.moved ?? acked);
      this.note(`${ended.length} × ${kind} has ended: ${sent} sent, ${sum(({ saved }) => saved)} saved`);
    }
  }

  /** Populates, and waits until all of it is saved or dead-lettered. @returns the id of the operation */
  async populate(body: object): Promise<string> {
    const { body: operation } = await this.clients.producer.post<OperationResponse>('/v1/populate', body);
    this.operations.add(operation.id);
    await eventually(`${operation.id} is saved or dead-lettered`, async () => {
      const { body: now } = await this.clients.producer.get<OperationResponse>(`/v1/operations/${operation.id}`);
      return (now.status === 'succeeded' && (now.saved ?? 0) + (now.deadLettered ?? 0) === now.acked) || now;
    });
    return operation.id;
  }

  /** Redrives the dead letters of an operation that are still pending, until all of its orders are saved. */
  async redriveRest(operationId: string): Promise<void> {
    const { producer } = this.clients;
    // 409: earlier redrives have saved all of them.
    const { status } = await producer.post('/v1/dead-letters/redrive', { operationId, maxRedrives: 100 });
    assert.ok([202, 409].includes(status), `the redrive responded with ${status}`);
    await eventually(`all orders of ${operationId} are saved`, async () => {
      const { body } = await producer.get<OperationResponse>(`/v1/operations/${operationId}`);
      return body.saved === body.count || body;
    });
  }

  /** Reconciles every operation so far, by producers of the current version. */
  async allHold(): Promise<void> {
    for (const id of this.operations) {
      await eventually(`operation ${id} holds`, async () => {
        const path = `/v1/operations/${id}/reconcile`;
        const { body } = await this.clients.producer.post<ReconcileReport>(path, {});
        return body.verdict === 'holds' || body;
      });
    }
    this.note(`reconcile holds for ${this.operations.size} operations`);
  }

  /** Compares the topic with the stored orders without any code of the pipeline. */
  async nothingIsLost(): Promise<void> {
    const { KAFKA_BROKERS: brokers, MONGODB_URI: mongodbUri, SCHEMA_REGISTRY_URL: registryUrl } = this.servers;
    const found = await compareStores({ brokers, mongodbUri, registryUrl });
    assert.deepEqual(found, { ...found, lost: 0, doubled: 0, foreign: 0, counterLow: false, examples: [] });
    const { records, stored, deadLetters } = found;
    this.note(`a foreign reader finds ${records} records, ${stored} stored orders and ${deadLetters} dead letters`);
  }

  async pendingLetters(): Promise<number> {
    return this.db.collection('deadLetters').countDocuments({ state: 'pending' });
  }

  /** Returns the existing indexes that the current version does not use. */
  async retiredIndexes(): Promise<string[]> {
    const found: string[] = [];
    for (const collection of INDEXED_COLLECTIONS) {
      const retired = RETIRED.indexes[collection] ?? [];
      if (retired.length === 0) continue;
      const existing = new Set((await this.db.collection(collection).indexes()).map(({ name }) => name));
      found.push(...retired.filter((name) => existing.has(name)));
    }
    return found;
  }
}
