import type { KafkaApi } from '../protocol/kafka-api.js';

/** Connections to the nodes of a Kafka cluster: all that the engine's own requests need of a client library. */
export interface KafkaConnections {
  /** @throws when no node can be reached */
  connect(): Promise<void>;
  /** @throws KafkaError for what the node answers, or anything else when it doesn't */
  request<Request, Response>(node: number, api: KafkaApi<Request, Response>, request: Request): Promise<Response>;
  /** Asks whichever node is connected. @throws as `request` */
  requestAny<Request, Response>(api: KafkaApi<Request, Response>, request: Request): Promise<Response>;
  /** Also closes what is still being connected. */
  close(): Promise<void>;
}

/** A node speaks only older versions of a request. */
export class OldKafkaError extends Error {
  override readonly name = 'OldKafkaError';
  readonly code = 'old-kafka';

  constructor(request: string, wanted: number, found: number) {
    super(`Kafka 3.1 or newer is needed: this one has ${request} up to version ${found}, not ${wanted}`);
  }
}
