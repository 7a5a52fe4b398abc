import type { KafkaApi } from '../protocol/kafka-api.js';

/** Connections to the nodes of a Kafka cluster: the only part of a client library that the engine's own requests use. */
export interface KafkaConnections {
  /** @throws when no node is reachable */
  connect(): Promise<void>;
  /** @throws KafkaError when the node returns an error code; another error when it does not respond */
  request<Request, Response>(node: number, api: KafkaApi<Request, Response>, request: Request): Promise<Response>;
  /** Sends the request to any connected node. @throws like `request` */
  requestAny<Request, Response>(api: KafkaApi<Request, Response>, request: Request): Promise<Response>;
  /** Closes all connections, including those that are still being opened. */
  close(): Promise<void>;
}

/** A node supports only older versions of a request. */
export class OldKafkaError extends Error {
  override readonly name = 'OldKafkaError';
  readonly code = 'old-kafka';

  constructor(request: string, wanted: number, found: number) {
    super(`Kafka 3.1 or newer is required: this broker supports ${request} up to version ${found}, not ${wanted}`);
  }
}
