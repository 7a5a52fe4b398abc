import type { Socket } from 'node:net';
import { succeededWithin, systemClock } from '../clock.js';
import type { KafkaApi } from '../protocol/kafka-api.js';
import { FETCH } from '../protocol/fetch-request.js';
import { LEAVE_GROUP } from '../protocol/group-requests.js';
import { METADATA } from '../protocol/metadata-request.js';
import { WireReader } from '../protocol/wire-reader.js';
import { WireWriter } from '../protocol/wire-writer.js';
import { OldKafkaError, type KafkaConnections } from './kafka-connections.js';
import type { Kafka } from './kafkajs.js';

/** The parts of kafkajs's internal cluster that its own consumer sends requests through. */
interface KafkajsCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  findBroker(node: { readonly nodeId: number }): Promise<KafkajsNode>;
  readonly brokerPool: {
    createBroker: (options: object) => KafkajsNode;
    findConnectedBroker(): Promise<KafkajsNode>;
  };
}

interface KafkajsConnection {
  readonly socket: Socket | null;
  isConnected(): boolean;
  send(request: KafkajsRequest): Promise<unknown>;
}

interface KafkajsNode {
  readonly versions: Readonly<Record<number, { readonly maxVersion: number } | undefined>> | null;
  readonly connectionPool: {
    readonly pool: readonly KafkajsConnection[];
    getConnection(index: number): Promise<KafkajsConnection>;
  };
  /** What kafkajs learns the nodes of the cluster from. */
  metadata: () => Promise<object>;
  disconnect(): Promise<void>;
}

interface KafkajsRequest {
  readonly request: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    readonly decode: (bytes: Buffer) => Promise<{ readonly decoded: unknown }>;
    readonly parse: (response: { readonly decoded: unknown }) => Promise<unknown>;
  };
  readonly requestTimeout: number;
  readonly logResponseError: false;
}

/** kafkajs has two connections to each node; a fetch that waits for records must not hold up anything else. */
const CONNECTIONS = { usual: 0, fetches: 1 } as const;
/** Beyond the time that a request itself asks a node to wait. */
const PATIENCE_MS = 10_000;
const CLOSE_PATIENCE_MS = 2_000;

/**
 * kafkajs's connections (sockets, TLS, SASL, the list of nodes) for requests that the engine encodes itself. Reached through
 * the cluster that kafkajs hands to an assigner; the consumer that it belongs to is never run.
 */
export class KafkajsConnections implements KafkaConnections {
  private readonly cluster: KafkajsCluster;
  private connecting: Promise<void> | undefined;
  /** kafkajs would open a socket for each request that finds its connection closed. */
  private readonly opening = new Map<KafkajsConnection, Promise<KafkajsConnection>>();
  private closed = false;

  constructor(kafka: Kafka) {
    let found: unknown;
    const groupId = 'never-joined';
    const take = ({ cluster }: { cluster: unknown }) => {
      found = cluster;
      return {
        name: groupId,
        version: 0,
        assign: async () => Promise.resolve([]),
        protocol: () => ({ name: groupId, metadata: Buffer.alloc(0) }),
      };
    };
    kafka.consumer({ groupId, partitionAssigners: [take] });
    this.cluster = found as KafkajsCluster;
    const { brokerPool } = this.cluster;
    const create = brokerPool.createBroker;
    brokerPool.createBroker = (options) => {
      const node = create(options);
      node.metadata = async () => this.nodesAs(node);
      return node;
    };
  }

  async connect(): Promise<void> {
    this.connecting ??= this.cluster.connect();
    try {
      await this.connecting;
    } catch (error) {
      this.connecting = undefined;
      throw error;
    }
    await this.unlessClosed(this.connecting);
  }

  async request<Request, Response>(
    node: number,
    api: KafkaApi<Request, Response>,
    request: Request,
  ): Promise<Response> {
    await this.connect();
    return this.send(await this.unlessClosed(this.nodeOf(node)), api, request);
  }

  async requestAny<Request, Response>(api: KafkaApi<Request, Response>, request: Request): Promise<Response> {
    await this.connect();
    return this.send(await this.unlessClosed(this.cluster.brokerPool.findConnectedBroker()), api, request);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // kafkajs waits for requests under way, and a node that hangs answers none.
    if (this.connecting !== undefined)
      await succeededWithin(
        systemClock,
        CLOSE_PATIENCE_MS,
        this.cluster.disconnect().catch(() => undefined),
      );
  }

  /** What is found only after the close is closed, too. */
  private async unlessClosed<T>(found: Promise<T>): Promise<T> {
    const result = await found;
    if (!this.closed) return result;
    await this.cluster.disconnect();
    throw new Error('the connections were closed');
  }

  /**
   * kafkajs asks for all topics of a cluster to learn its nodes, and learns none while a partition of any topic has no leader.
   * @returns the nodes and no topics, as kafkajs has them
   */
  private async nodesAs(node: KafkajsNode): Promise<object> {
    const { nodes, controllerId } = await this.send(node, METADATA, []);
    return { brokers: nodes, controllerId, topicMetadata: [] };
  }

  private async connectionOf({ connectionPool }: KafkajsNode, index: number): Promise<KafkajsConnection> {
    const connection = connectionPool.pool[index];
    if (connection === undefined || connection.isConnected()) return connectionPool.getConnection(index);
    const opening =
      this.opening.get(connection) ??
      connectionPool.getConnection(index).finally(() => void this.opening.delete(connection));
    this.opening.set(connection, opening);
    return opening;
  }

  private async nodeOf(nodeId: number): Promise<KafkajsNode> {
    try {
      return await this.cluster.findBroker({ nodeId });
    } catch (error) {
      // kafkajs has read the list of nodes anew by then.
      if (error instanceof Error && error.name === 'KafkaJSBrokerNotFound') return this.cluster.findBroker({ nodeId });
      throw error;
    }
  }

  private async send<Request, Response>(
    node: KafkajsNode,
    api: KafkaApi<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const newest = node.versions?.[api.key]?.maxVersion ?? -1;
    if (newest < api.version) throw new OldKafkaError(api.name, api.version, newest);
    // A JoinGroup that waits for the others holds the usual connection, and leaving must not wait for it.
    const isAside = api.key === FETCH.key || api.key === LEAVE_GROUP.key;
    try {
      const connection = await this.connectionOf(node, isAside ? CONNECTIONS.fetches : CONNECTIONS.usual);
      return (await connection.send(toKafkajs(api, request))) as Response;
    } catch (error) {
      await this.reset(node, error);
      throw error;
    }
  }

  private async reset(node: KafkajsNode, error: unknown): Promise<void> {
    if (!(error instanceof Error)) return;
    // As kafkajs does it: a closed connection is opened again only after that.
    if (error.name === 'KafkaJSConnectionClosedError') await node.disconnect();
    // It may never hear of a node that vanished, and would ask it again and again.
    if (error.name === 'KafkaJSRequestTimeoutError')
      for (const { socket } of node.connectionPool.pool) socket?.destroy(error);
  }
}

function toKafkajs<Request, Response>(api: KafkaApi<Request, Response>, request: Request): KafkajsRequest {
  return {
    request: {
      apiKey: api.key,
      apiName: api.name,
      apiVersion: api.version,
      encode: async () => {
        // The tagged fields that end the request header belong to the body in kafkajs's eyes.
        const writer = new WireWriter().noTags();
        api.encode(writer, request);
        return { buf: writer.bytes, buffer: writer.bytes };
      },
    },
    response: {
      decode: async (bytes) => {
        const reader = new WireReader(bytes);
        reader.tags();
        return { decoded: api.decode(reader) };
      },
      parse: async ({ decoded }) => decoded,
    },
    requestTimeout: PATIENCE_MS + (api.waitMs?.(request) ?? 0),
    logResponseError: false,
  };
}
