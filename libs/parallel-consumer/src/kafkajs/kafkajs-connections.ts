import type { Socket } from 'node:net';
import { succeededWithin, systemClock } from '@orders-pipeline/clock';
import type { KafkaApi } from '../protocol/kafka-api.js';
import { FETCH } from '../protocol/fetch-request.js';
import { METADATA } from '../protocol/metadata-request.js';
import { WireReader } from '../protocol/wire-reader.js';
import { WireWriter } from '../protocol/wire-writer.js';
import { OldKafkaError, type KafkaConnections } from '../kafka/kafka-connections.js';
import type { Kafka } from 'kafkajs';

/** The parts of kafkajs's internal cluster class that its own consumer uses to send requests. */
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
  /** kafkajs calls this to discover the nodes of the cluster. */
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

/** kafkajs has two connections to each node. A fetch that waits for records must not block other requests. */
const CONNECTIONS = { usual: 0, fetches: 1 } as const;
/** Request timeout, on top of the time that the request itself lets the node wait. */
const REQUEST_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Sends requests that the engine encodes itself over kafkajs's connections (sockets, TLS, SASL, node list). kafkajs passes its
 * internal cluster to a partition assigner, which is how this class gets it; the consumer of that assigner never runs.
 */
export class KafkajsConnections implements KafkaConnections {
  private readonly cluster: KafkajsCluster;
  private connecting: Promise<void> | undefined;
  /** Connections being opened. Without this, kafkajs opens one socket per request that finds the connection closed. */
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
      node.metadata = async () => this.fetchNodes(node);
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
    return this.send(await this.unlessClosed(this.findNode(node)), api, request);
  }

  async requestAny<Request, Response>(api: KafkaApi<Request, Response>, request: Request): Promise<Response> {
    await this.connect();
    return this.send(await this.unlessClosed(this.cluster.brokerPool.findConnectedBroker()), api, request);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // kafkajs waits for pending requests, and a hanging node never responds.
    if (this.connecting !== undefined)
      await succeededWithin(
        systemClock,
        CLOSE_TIMEOUT_MS,
        this.cluster.disconnect().catch(() => undefined),
      );
  }

  /** Returns the result, or closes the connections that were opened after `close` and throws. */
  private async unlessClosed<T>(found: Promise<T>): Promise<T> {
    const result = await found;
    if (!this.closed) return result;
    await this.cluster.disconnect();
    throw new Error('the connections were closed');
  }

  /**
   * Discovers the cluster's nodes without requesting topics. kafkajs requests all topics, and discovers no node while a partition
   * of any topic has no leader.
   * @returns the nodes and an empty topic list, in kafkajs's format
   */
  private async fetchNodes(node: KafkajsNode): Promise<object> {
    const { nodes, controllerId } = await this.send(node, METADATA, []);
    return { brokers: nodes, controllerId, topicMetadata: [] };
  }

  private async getConnection({ connectionPool }: KafkajsNode, index: number): Promise<KafkajsConnection> {
    const connection = connectionPool.pool[index];
    if (connection === undefined || connection.isConnected()) return connectionPool.getConnection(index);
    const opening =
      this.opening.get(connection) ??
      connectionPool.getConnection(index).finally(() => void this.opening.delete(connection));
    this.opening.set(connection, opening);
    return opening;
  }

  private async findNode(nodeId: number): Promise<KafkajsNode> {
    try {
      return await this.cluster.findBroker({ nodeId });
    } catch (error) {
      // kafkajs has refreshed its node list by now.
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
    try {
      const use = api.key === FETCH.key ? 'fetches' : 'usual';
      const connection = await this.getConnection(node, CONNECTIONS[use]);
      return (await connection.send(toKafkajs(api, request))) as Response;
    } catch (error) {
      await this.reset(node, error);
      throw error;
    }
  }

  private async reset(node: KafkajsNode, error: unknown): Promise<void> {
    if (!(error instanceof Error)) return;
    // As kafkajs does: it reopens a closed connection only after a disconnect.
    if (error.name === 'KafkaJSConnectionClosedError') await node.disconnect();
    // kafkajs may not notice that a node vanished, and would keep using the dead socket.
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
        // kafkajs treats the tagged fields at the end of the request header as part of the body.
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
    requestTimeout: REQUEST_TIMEOUT_MS + (api.waitMs?.(request) ?? 0),
    logResponseError: false,
  };
}
