import { once } from 'node:events';
import { connect } from 'node:net';

const ELECT_LEADERS = 43;
const VERSION = 1;
const PREFERRED = 0;
const ALL_PARTITIONS = -1;
const TIMEOUT_MS = 5_000;
/** Size, correlation id, throttle time, error code. */
const RESPONSE_BYTES = 14;

/**
 * Makes the first replica of every partition its leader (ElectLeaders, version 1, in Kafka's protocol guide). kafkajs does not support this
 * request, and the server's distribution here does not include Kafka's command-line tools.
 * @param broker `host:port`; it forwards the request to the controller
 * @throws Error with Kafka's error code
 */
export async function electPreferredLeaders(broker: string): Promise<void> {
  const [host = '', port = ''] = broker.split(':');
  const socket = connect({ host, port: Number(port), timeout: 2 * TIMEOUT_MS });
  socket.once('timeout', () => socket.destroy(new Error(`${broker} does not answer`)));
  try {
    await once(socket, 'connect');
    socket.write(request());
    let response = Buffer.alloc(0);
    for await (const bytes of socket as AsyncIterable<Buffer>) {
      response = Buffer.concat([response, bytes]);
      if (response.length >= RESPONSE_BYTES) break;
    }
    if (response.length < RESPONSE_BYTES) throw new Error(`${broker} closed the connection`);
    const code = response.readInt16BE(12);
    if (code !== 0) throw new Error(`Kafka did not elect leaders: error code ${code}`);
  } finally {
    socket.destroy();
  }
}

function request(): Buffer {
  const client = Buffer.from('chaos');
  const bytes = Buffer.alloc(4 + 10 + client.length + 9);
  let at = bytes.writeInt32BE(bytes.length - 4);
  at = bytes.writeInt16BE(ELECT_LEADERS, at);
  at = bytes.writeInt16BE(VERSION, at);
  at = bytes.writeInt32BE(1, at);
  at = bytes.writeInt16BE(client.length, at);
  at += client.copy(bytes, at);
  at = bytes.writeInt8(PREFERRED, at);
  at = bytes.writeInt32BE(ALL_PARTITIONS, at);
  bytes.writeInt32BE(TIMEOUT_MS, at);
  return bytes;
}
