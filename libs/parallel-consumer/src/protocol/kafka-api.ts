import type { WireReader } from './wire-reader.js';
import type { WireWriter } from './wire-writer.js';

/**
 * One request of Kafka's protocol in one version, and its response. All are of the flexible format (KIP-482): request header
 * version 2, response header version 1. Numbers and fields: https://kafka.apache.org/protocol.html.
 */
export interface KafkaApi<Request, Response> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  /** How long the broker may take beyond its usual time, in ms. Default 0. */
  readonly waitMs?: (request: Request) => number;
  readonly encode: (writer: WireWriter, request: Request) => void;
  readonly decode: (reader: WireReader) => Response;
}
