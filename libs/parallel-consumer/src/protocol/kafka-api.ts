import type { WireReader } from './wire-reader.js';
import type { WireWriter } from './wire-writer.js';

/**
 * One version of a Kafka request and its response, in the flexible format (KIP-482): request header version 2, response header
 * version 1. Keys, versions and fields: https://kafka.apache.org/protocol.html.
 */
export interface KafkaApi<Request, Response> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  /** Extra time for the response on top of the request timeout, in ms. Default 0. */
  readonly waitMs?: (request: Request) => number;
  /** Writes the body of a request. */
  readonly encode: (writer: WireWriter, request: Request) => void;
  /** Reads the body of a response. @throws KafkaError for an error code that concerns the whole response */
  readonly decode: (reader: WireReader) => Response;
}
