import type { PortClaim } from '../machine/ports.js';
import type { EmbeddedChoice, EmbeddedParts } from '../parts/embedded-parts.js';
import type { DataDirectory } from './data-directory.js';
import { KafkaServer, singleNode } from './kafka-server.js';
import { MongodbServer } from './mongodb-server.js';
import { RegistryServer } from './registry-server.js';
import { ServerGuard } from './server-guard.js';
import { Server, type ServerEvents } from './server.js';

/** The ports of the embedded servers. */
export interface ServerPorts {
  readonly kafka: number;
  readonly registry: number;
  readonly mongodb: number;
}

/** Where the apps find the servers, as environment variables. A server that isn't embedded has none here. */
export interface ServerAddresses {
  KAFKA_BROKERS?: string;
  KAFKA_CLUSTER_ID?: string;
  SCHEMA_REGISTRY_URL?: string;
  MONGODB_URI?: string;
}

/** The ports that the chosen servers are going to take. */
export function serverPortClaims(choice: EmbeddedChoice, ports: ServerPorts): PortClaim[] {
  const host = '127.0.0.1';
  return [
    ...(choice.kafka ? [{ owner: 'Kafka', host, port: ports.kafka, setting: 'KAFKA_PORT' }] : []),
    ...(choice.registry
      ? [{ owner: 'the schema registry', host, port: ports.registry, setting: 'REGISTRY_PORT' }]
      : []),
    ...(choice.mongodb ? [{ owner: 'MongoDB', host, port: ports.mongodb, setting: 'MONGODB_PORT' }] : []),
  ];
}

/** The chosen servers on one data folder, started and stopped together: none of them needs another. */
export class EmbeddedServers {
  readonly guard: ServerGuard;
  private readonly servers: readonly Server[];
  private readonly kafka: KafkaServer | undefined;
  private readonly registry: RegistryServer | undefined;
  private readonly mongodb: MongodbServer | undefined;

  constructor(
    choice: EmbeddedChoice,
    ports: ServerPorts,
    data: DataDirectory,
    parts: EmbeddedParts,
    events: ServerEvents,
  ) {
    this.guard = new ServerGuard(data.path);
    this.kafka = choice.kafka ? new KafkaServer(parts, singleNode(ports.kafka, data.path), data.path) : undefined;
    this.registry = choice.registry ? new RegistryServer(parts, ports.registry, data.path) : undefined;
    this.mongodb = choice.mongodb ? new MongodbServer(parts, ports.mongodb, data.path) : undefined;
    const surroundings = { records: data.records, guard: this.guard };
    this.servers = [this.kafka, this.registry, this.mongodb]
      .filter((program) => program !== undefined)
      .map((program) => new Server(program, surroundings, events));
  }

  /**
   * Resolves when all serve. Throws `server-failed` for the first that doesn't; the others are then still to be stopped.
   */
  async start(onReady: (name: string, milliseconds: number) => void): Promise<void> {
    const startedAt = performance.now();
    await Promise.all(
      this.servers.map(async (server) => {
        await server.start();
        onReady(server.name, performance.now() - startedAt);
      }),
    );
  }

  /** Available once started. */
  async addresses(): Promise<ServerAddresses> {
    return {
      ...(this.kafka && { KAFKA_BROKERS: this.kafka.brokers, KAFKA_CLUSTER_ID: await this.kafka.clusterId() }),
      ...(this.registry && { SCHEMA_REGISTRY_URL: this.registry.url }),
      ...(this.mongodb && { MONGODB_URI: this.mongodb.uri }),
    };
  }

  /** Stops all, whatever state they are in; one that takes longer than `budgetMs` is killed. Repeating it is harmless. */
  async stop(budgetMs: number): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop(budgetMs)));
    this.guard.dismiss();
  }
}
