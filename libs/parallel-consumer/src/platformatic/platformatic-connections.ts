import {
  apiVersionsV3,
  ConnectionPool,
  Writer,
  type Broker,
  type Connection,
  type ConnectionOptions,
} from '@platformatic/kafka';
import { backOffMs, pause, succeededWithin, systemClock } from '@orders-pipeline/clock';
import { OldKafkaError, type KafkaConnections } from '../kafka/kafka-connections.js';
import { FETCH } from '../protocol/fetch-request.js';
import type { KafkaApi } from '../protocol/kafka-api.js';
import { KafkaError } from '../protocol/kafka-error.js';
import { METADATA } from '../protocol/metadata-request.js';
import { WireReader } from '../protocol/wire-reader.js';
import { WireWriter } from '../protocol/wire-writer.js';

export interface ConnectionsOptions {
  readonly seeds: readonly Broker[];
  readonly clientId: string;
  readonly security: Pick<ConnectionOptions, 'tls' | 'sasl'>;
}

/** Request timeout, on top of the time that the request itself lets the node wait. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Never reached: each request has a time limit of its own. */
const LONGEST_REQUEST_MS = 3_600_000;
const CONNECT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 2_000;
/** More than are ever under way: the engine has its own limits. */
const MAX_IN_FLIGHT = 1_000;
/** About a minute: longer than a broker needs to restart. */
const CONNECT_ATTEMPTS = 30;
const CONNECT_BACK_OFF = { initialMs: 200, maxMs: 2_000 };

/** A node did not respond in time. Its connection is closed. */
class NodeTimeoutError extends Error {
  override readonly name = 'NodeTimeoutError';
  readonly code = 'node-timeout';
}

/** Sends requests that the engine encodes itself over the connections of `@platformatic/kafka`: sockets, TLS and SASL. */
export class PlatformaticConnections implements KafkaConnections {
  /** A fetch that waits for records must not block other requests. */
  private readonly pools: { readonly usual: ConnectionPool; readonly fetches: ConnectionPool };
  private readonly nodes = new Map<number, Broker>();
  /** Addresses for requests to any node; one that fails goes to the end. */
  private addresses: readonly Broker[];
  private readonly versions = new WeakMap<Connection, Promise<ReadonlyMap<number, number>>>();
  private connecting: Promise<void> | undefined;
  private closed = false;

  constructor({ seeds, clientId, security }: ConnectionsOptions) {
    this.addresses = seeds;
    const options = {
      ...security,
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: LONGEST_REQUEST_MS,
      maxInflights: MAX_IN_FLIGHT,
      tlsServerName: true,
    };
    this.pools = { usual: newPool(clientId, options), fetches: newPool(clientId, options) };
  }

  async connect(): Promise<void> {
    this.connecting ??= this.untilConnected();
    try {
      await this.connecting;
    } catch (error) {
      this.connecting = undefined;
      throw error;
    }
  }

  async request<Request, Response>(
    node: number,
    api: KafkaApi<Request, Response>,
    request: Request,
  ): Promise<Response> {
    await this.connect();
    if (!this.nodes.has(node)) await this.findNodes();
    const address = this.nodes.get(node);
    if (address === undefined) throw new Error(`node ${node} is not a member of the cluster`);
    try {
      return await this.send(address, api, request);
    } catch (error) {
      // The node may have another address by now.
      if (!isAnswer(error)) this.nodes.delete(node);
      throw error;
    }
  }

  async requestAny<Request, Response>(api: KafkaApi<Request, Response>, request: Request): Promise<Response> {
    await this.connect();
    return this.sendToAny(api, request);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    const { usual, fetches } = this.pools;
    await succeededWithin(systemClock, CLOSE_TIMEOUT_MS, Promise.all([usual.close(), fetches.close()]));
  }

  private async untilConnected(): Promise<void> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await this.findNodes();
      } catch (error) {
        if (this.closed || attempts === CONNECT_ATTEMPTS) throw error;
        await pause(systemClock, backOffMs(CONNECT_BACK_OFF, attempts, Math.random));
      }
    }
  }

  private async findNodes(): Promise<void> {
    const { nodes } = await this.sendToAny(METADATA, []);
    this.nodes.clear();
    for (const { nodeId, host, port } of nodes) this.nodes.set(nodeId, { host, port });
    const known = new Set(this.addresses.map(toText));
    this.addresses = [...this.addresses, ...nodes.filter((node) => !known.has(toText(node)))];
  }

  private async sendToAny<Request, Response>(api: KafkaApi<Request, Response>, request: Request): Promise<Response> {
    const errors: unknown[] = [];
    for (const address of this.addresses) {
      try {
        return await this.send(address, api, request);
      } catch (error) {
        if (isAnswer(error) || this.closed) throw error;
        errors.push(error);
        this.addresses = [...this.addresses.filter((each) => each !== address), address];
      }
    }
    throw errors.length === 1
      ? errors[0]
      : new AggregateError(errors, `no node responds: ${errors.map(String).join(', ')}`);
  }

  private async send<Request, Response>(
    address: Broker,
    api: KafkaApi<Request, Response>,
    request: Request,
  ): Promise<Response> {
    if (this.closed) throw new Error('the connections were closed');
    const connection = await (api.key === FETCH.key ? this.pools.fetches : this.pools.usual).get(address);
    const newest = (await this.versionsOf(connection)).get(api.key) ?? -1;
    if (newest < api.version) throw new OldKafkaError(api.name, api.version, newest);
    const timeoutMs = REQUEST_TIMEOUT_MS + (api.waitMs?.(request) ?? 0);
    return within(timeoutMs, connection, api.name, sendOver(connection, api, request));
  }

  private async versionsOf(connection: Connection): Promise<ReadonlyMap<number, number>> {
    const requested =
      this.versions.get(connection) ??
      within(REQUEST_TIMEOUT_MS, connection, 'ApiVersions', requestVersions(connection));
    this.versions.set(connection, requested);
    return requested;
  }
}

function newPool(clientId: string, options: ConnectionOptions): ConnectionPool {
  const pool = new ConnectionPool(clientId, options);
  // The requests of a connection fail too. Without a listener, a second error of a connection would end the process.
  pool.on('connecting', ({ connection }) => void connection.on('error', () => undefined));
  return pool;
}

async function requestVersions(connection: Connection): Promise<ReadonlyMap<number, number>> {
  const { apiKeys } = await apiVersionsV3.api.async(connection, 'parallel-consumer', '1');
  return new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]));
}

async function sendOver<Request, Response>(
  connection: Connection,
  api: KafkaApi<Request, Response>,
  request: Request,
): Promise<Response> {
  const body = new WireWriter();
  api.encode(body, request);
  return new Promise((resolve, reject) => {
    connection.send<Response>(
      api.key,
      api.version,
      () => Writer.create().append(body.bytes),
      (_correlation, _key, _version, { buffer }) => {
        const reader = new WireReader(buffer.buffer);
        reader.tags();
        return api.decode(reader);
      },
      true,
      false,
      (error, response) => {
        if (error === null) resolve(response as Response);
        else reject(error);
      },
    );
  });
}

/** A node that hangs would keep its connection, and all requests on it, for ever. */
async function within<T>(ms: number, connection: Connection, name: string, answer: Promise<T>): Promise<T> {
  const { host, port } = connection;
  const late = Promise.withResolvers<never>();
  const cancel = systemClock.after(ms, () => {
    const error = new NodeTimeoutError(`${name} got no response from ${host}:${port} within ${ms} ms`);
    late.reject(error);
    connection.socket.destroy(error);
  });
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    cancel();
  }
}

/** Whether a node has answered with an error. */
function isAnswer(error: unknown): boolean {
  return error instanceof KafkaError || error instanceof OldKafkaError;
}

function toText({ host, port }: Broker): string {
  return `${host}:${port}`;
}
