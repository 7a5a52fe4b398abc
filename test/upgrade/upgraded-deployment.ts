import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { betweenTries, eventually } from '../support/eventually.js';
import { legacyPairs } from '../support/sent-orders.js';
import { RetryingClient, ClientLoad, type Clients, RequestLog } from './client-load.js';
import assert from 'node:assert/strict';
import { MongoClient, type Db } from 'mongodb';
import { INDEXED_COLLECTIONS, RETIRED } from '#orders/database/indexes.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { runDocumented, type DocumentedRun } from '../support/documented/run-documented.js';
import { emptyServers, type GivenServers } from '../support/own-servers.js';
import { compareStores } from '../support/fetched-programs.js';
import type { Run } from '../support/started-app.js';
import { Fleet, type MemberName, type Release } from './fleet.js';

const POLL_MS = 500;

/** A request that starts an operation, and its key. Each try needs a new body. */
type Start = () => { readonly path: string; readonly init: () => RequestInit };

/** One operation of each kind lasts for about 15 s. */
const STARTS = {
  populate: () => json('/v1/populate', { count: 3_000, ratePerSecond: 200 }),
  import: () => form('/v1/imports?ratePerSecond=20&chunkSize=50', legacyPairs(300, Math.floor(Math.random() * 1e9))),
  redrive: () => json('/v1/dead-letters/redrive', { ...nextLetters(), limit: 30, ratePerSecond: 2, maxRedrives: 100 }),
} as const satisfies Record<string, Start>;

let redrives = 0;

/** Selects by turns dead letters that are saved then, as long as there are some, and all, most of which return. */
function nextLetters(): object {
  redrives += 1;
  return redrives % 2 === 1 ? { errorCode: 'unknown-schema' } : { all: true };
}

type Kind = keyof typeof STARTS;
const KINDS = Object.keys(STARTS) as Kind[];

/** Keeps a populate, an import and a redrive under way: when one ends, another one starts. */
class WorkUnderWay {
  /** The operations of each kind, oldest first. */
  readonly ids: Readonly<Record<Kind, string[]>> = { populate: [], import: [], redrive: [] };
  private readonly first: Partial<Record<Kind, ReturnType<Start>>> = {};
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>;

  private constructor(private readonly producer: RetryingClient) {
    this.running = Promise.all(KINDS.map(async (kind) => this.keep(kind)));
    // The error is that of `stop`.
    this.running.catch(() => this.stopping.abort());
  }

  /** Resolves once each kind has sent something. */
  static async start(producer: RetryingClient): Promise<WorkUnderWay> {
    const work = new WorkUnderWay(producer);
    await eventually('work of each kind is under way', async () => {
      work.stopping.signal.throwIfAborted();
      const operations = await work.latest();
      return operations.length === KINDS.length && operations.every(hasSent);
    });
    return work;
  }

  /** Starts no more, and waits until everything is sent, and all that was sent is saved or dead-lettered. @returns the final states */
  async stop(): Promise<OperationResponse[]> {
    this.stopping.abort();
    await this.running;
    const ids = KINDS.flatMap((kind) => this.ids[kind]);
    const ended: OperationResponse[] = [];
    for (const id of ids) {
      let operation = await this.operation(id);
      await eventually(`operation ${id} has ended`, async () => {
        operation = await this.operation(id);
        return hasEnded(operation) || operation;
      });
      ended.push(operation);
    }
    return ended;
  }

  /** Repeats the first request of each kind under its key. @returns the ids of the operations that answered */
  async repeatFirst(): Promise<string[]> {
    const ids: string[] = [];
    for (const kind of KINDS) {
      const request = this.first[kind];
      if (request !== undefined) ids.push((await this.request(request))?.id ?? '');
    }
    return ids;
  }

  private async keep(kind: Kind): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const request = STARTS[kind]();
      const operation = await this.request(request);
      if (operation === undefined) {
        await betweenTries(POLL_MS, this.stopping.signal);
        continue;
      }
      this.first[kind] ??= request;
      this.ids[kind].push(operation.id);
      while (!this.stopping.signal.aborted && (await this.operation(operation.id)).status === 'running')
        await betweenTries(POLL_MS, this.stopping.signal);
    }
  }

  /** @returns `undefined` while no dead letter matches */
  private async request({ path, init }: ReturnType<Start>): Promise<OperationResponse | undefined> {
    const { status, body } = await this.producer.request<OperationResponse>(path, init);
    if (status === 409) return undefined;
    if (status !== 202) throw new Error(`${path} responded with ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  private async latest(): Promise<OperationResponse[]> {
    const ids = KINDS.flatMap((kind) => this.ids[kind].slice(-1));
    return Promise.all(ids.map(async (id) => this.operation(id)));
  }

  private async operation(id: string): Promise<OperationResponse> {
    return (await this.producer.get<OperationResponse>(`/v1/operations/${id}`)).body;
  }
}

function hasSent({ kind, acked, redrive }: OperationResponse): boolean {
  return kind === 'redrive' ? (redrive?.moved ?? 0) > 0 : acked > 0;
}

function hasEnded({ kind, status, acked, saved, deadLettered, finishedAt }: OperationResponse): boolean {
  if (kind === 'redrive') return finishedAt !== null;
  return status === 'succeeded' && (saved ?? 0) + (deadLettered ?? 0) === acked;
}

function json(path: string, body: object): ReturnType<Start> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
  return { path, init: () => ({ method: 'POST', headers, body: JSON.stringify(body) }) };
}

function form(path: string, rows: readonly object[]): ReturnType<Start> {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  const init = (): RequestInit => {
    const body = new FormData();
    body.append('files', new Blob([JSON.stringify(rows)]), 'orders.json');
    return { method: 'POST', headers, body };
  };
  return { path, init };
}

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

  /** Runs commands of docs/run.md, from the folder of the current version. */
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
