import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { toOrderBody, type WholeOrderBody } from '#legacy/translation/api-order.js';
import { parseMoney } from '#orders/order/money.js';
import { orderResponse, type OrderResponse } from '#orders/order/order-response.js';
import type { LegacyOrder } from '#orders/order/order.js';
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
import { READ_STAGES, type ReadStage, READ_CAPABILITIES } from '../../apps/facade/src/stages/stages.js';
import { newProgress } from '../../apps/facade/src/runs/verification.js';
import { emptyServers } from './own-servers.js';
import { eventually } from './eventually.js';
import { RunningFacade, RunningLegacy } from './started-app.js';

/** A request as a side got it. */
interface ReceivedRequest {
  readonly method: string;
  /** Path and query, decoded. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a scripted side does with a request: an answer, or nothing at all. */
type ScriptedAnswer =
  | {
      readonly status?: number;
      readonly type?: string;
      readonly body: string;
      /** Only the first half of the body, and then the connection breaks. */
      readonly cut?: boolean;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | 'hang'
  | 'disconnect';

type Handler = (request: ReceivedRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

/** An HTTP server that answers as a test says: for answers that a real side gives seldom, such as HTML, half of one, or none. */
export class ScriptedSide {
  readonly requests: ReceivedRequest[] = [];
  private readonly open = new Set<ServerResponse>();

  private constructor(
    private readonly server: Server,
    private handler: Handler,
  ) {}

  static async start(handler: Handler): Promise<ScriptedSide> {
    const server = createServer();
    const side = new ScriptedSide(server, handler);
    server.on('request', (request, response) => void side.respond(request, response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return side;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Answers as the handler says from now on, and breaks off what hangs. */
  answer(handler: Handler): void {
    this.handler = handler;
    this.requests.length = 0;
    for (const response of this.open) response.destroy();
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.open.add(response);
    response.once('close', () => this.open.delete(response));
    const { method = '', url = '', headers } = request;
    const received = { method, path: decodeURIComponent(url), headers, body: await text(request) };
    this.requests.push(received);
    const answer = await this.handler(received);
    if (answer === 'hang') return;
    if (answer === 'disconnect') return void response.destroy();
    const { status = 200, type = 'application/json; charset=utf-8', body, cut = false, headers: own } = answer;
    const length = Buffer.byteLength(body);
    response.writeHead(status, { ...(type !== '' && { 'content-type': type }), 'content-length': length, ...own });
    if (cut) response.write(body.slice(0, body.length / 2), () => response.destroy());
    else response.end(body);
  }
}

const PROBLEM = 'application/problem+json';

/** The producer's order API and the query API in memory, with what the facade uses of them. Orders are saved at once. */
export class FakeTarget {
  private readonly orders = new Map<string, OrderResponse>();
  private number = 0;

  /** Saves an order as if the facade had sent it. */
  save(order: LegacyOrder, change: Partial<OrderResponse> = {}): void {
    this.take(toOrderBody(order), change);
  }

  forget(id: string): void {
    this.orders.delete(id);
  }

  /** Returns an order as the query API would; `null` if it does not have it. */
  orderOf(id: string): OrderResponse | null {
    return this.orders.get(id) ?? null;
  }

  readonly answer = ({ method, path, body }: ReceivedRequest): ScriptedAnswer => {
    const url = new URL(path, 'http://side');
    const route = `${method} ${url.pathname}`;
    if (route === 'POST /v1/orders') return this.receive(JSON.parse(body) as WholeOrderBody[]);
    if (route === 'POST /v1/orders/batch-get') return this.batchGet(JSON.parse(body) as { ids: string[] });
    if (route === 'GET /v1/orders') return this.page(url.searchParams);
    if (method === 'GET' && url.pathname.startsWith('/v1/orders/')) return this.one(url.pathname.split('/')[3] ?? '');
    return { status: 404, type: PROBLEM, body: '{}' };
  };

  private receive(given: readonly WholeOrderBody[]): ScriptedAnswer {
    const errors = given.flatMap(({ quantity }, at) =>
      quantity > 10_000 ? [{ pointer: `/${at}/quantity`, detail: 'must be an integer from 1 to 10,000' }] : [],
    );
    if (errors.length > 0)
      return { status: 400, type: PROBLEM, body: JSON.stringify({ code: 'invalid-request', detail: 'wrong', errors }) };
    const inUse = given.find(({ id, legacyNumber }) =>
      [...this.orders.values()].some((other) => other.legacy?.number === legacyNumber && other.id !== id),
    );
    if (inUse !== undefined)
      return { status: 409, type: PROBLEM, body: JSON.stringify({ code: 'number-in-use', detail: `number in use` }) };
    for (const order of given) if (!this.orders.has(order.id)) this.take(order, {});
    const items = given.map(({ id }) => ({ id, number: this.orders.get(id)?.number }));
    return { status: 202, body: JSON.stringify({ operationId: 'a', items }) };
  }

  private take({ legacyNumber, price, ...order }: WholeOrderBody, change: Partial<OrderResponse>): void {
    this.number += 1;
    const money = parseMoney(price);
    const response = orderResponse({
      ...order,
      number: this.number,
      price: money,
      amount: BigInt(order.quantity) * money,
      createdAt: new Date(order.createdAt),
      legacy: { number: legacyNumber, filled: [] },
    });
    this.orders.set(order.id, { ...response, ...change });
  }

  private batchGet({ ids }: { readonly ids: readonly string[] }): ScriptedAnswer {
    const items = ids.flatMap((id) => this.orders.get(id) ?? []);
    return { body: JSON.stringify({ items, missing: ids.filter((id) => !this.orders.has(id)) }) };
  }

  private one(id: string): ScriptedAnswer {
    const order = this.orderOf(id);
    return order === null ? { status: 404, type: PROBLEM, body: '{}' } : { body: JSON.stringify(order) };
  }

  private page(query: URLSearchParams): ScriptedAnswer {
    const [from, to] = ['legacyNumber[gte]', 'legacyNumber[lte]'].map((name) => Number(query.get(name)));
    const [size, skip] = ['pageSize', 'pageToken'].map((name) => Number(query.get(name) ?? 0));
    const found = [...this.orders.values()]
      .filter(({ legacy }) => legacy !== undefined && legacy.number >= (from ?? 0) && legacy.number <= (to ?? 0))
      .toSorted((a, b) => (a.legacy?.number ?? 0) - (b.legacy?.number ?? 0));
    const items = found.slice(skip, (skip ?? 0) + (size ?? 0));
    const left = found.length - (skip ?? 0) - items.length;
    query.set('pageToken', String((skip ?? 0) + items.length));
    return { body: JSON.stringify({ items, page: left > 0 ? { next: `/v1/orders?${query.toString()}` } : {} }) };
  }
}

/** Half an hour off every other zone, so that a time in the machine's zone is noticed. */
export const ZONE = new LegacyTimeZone('Asia/Kolkata');
/** Nothing listens on the discard port. */
export const NOWHERE = 'http://127.0.0.1:9';

const FORCE = { force: true };

/** A real legacy system, a fake target, a real MongoDB, and facade processes between them, which all are at the same stages. */
export class FacadeStack {
  private readonly facades: RunningFacade[] = [];

  private constructor(
    private readonly folder: string,
    private readonly mongo: MongoClient,
    private readonly env: NodeJS.ProcessEnv,
    readonly legacy: RunningLegacy,
    readonly target: ScriptedSide,
    readonly fake: FakeTarget,
  ) {}

  /** Starts all, with one facade. */
  static async start(): Promise<FacadeStack> {
    const folder = await mkdtemp(join(tmpdir(), 'orders-facades-'));
    const MONGODB_URI = (await emptyServers())?.MONGODB_URI ?? '';
    await migrateAt(MONGODB_URI);
    const legacy = await RunningLegacy.start(folder, { LEGACY_TIME_ZONE: ZONE.name });
    const fake = new FakeTarget();
    const target = await ScriptedSide.start(fake.answer);
    const env = {
      MONGODB_URI,
      LEGACY_URL: legacy.url,
      PRODUCER_URL: target.url,
      QUERY_API_URL: target.url,
      LEGACY_TIME_ZONE: ZONE.name,
      COMPARED_PER_SECOND: '10000',
      // The tests decide about rollbacks.
      ROLLBACK_MIN_REQUESTS: '1000000',
      ROLLBACK_MAX_MISMATCHES: '1000000',
    };
    const mongo = new MongoClient(MONGODB_URI, { readConcernLevel: 'majority' });
    const stack = new FacadeStack(folder, mongo, env, legacy, target, fake);
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
    this.target.close();
    await this.legacy.end();
    await this.mongo.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Moves a capability. @throws Error unless it succeeds */
  async moved(capability: string, stage: string, more: object = {}): Promise<MigrationResponse> {
    const { status, text: answer, body } = await this.one.move(capability, stage, more);
    if (status !== 200) throw new Error(answer);
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

  /** Lets the gate see a verification that begins now and finds both sides equal. The fake target takes no imports. */
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
