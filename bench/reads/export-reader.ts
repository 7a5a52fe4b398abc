import type { Measurement } from '../harness/measurement.js';
import type { HttpServer } from './http-server.js';
import { measureServer } from './measured-server.js';

const LINE_END = 0x0a;

/** Reads an export of the first `orders` orders as fast as possible, and counts its lines. */
export async function readExport(server: HttpServer, orders: number): Promise<Measurement> {
  return measureServer(server, orders, async (finished) => {
    const path = `/v1/orders/export?format=ndjson&number[lte]=${orders}`;
    const { statusCode, body } = await server.pool.request({ method: 'GET', path });
    if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${await body.text()}`);
    for await (const chunk of body as AsyncIterable<Buffer>) finished(linesIn(chunk));
  });
}

function linesIn(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(LINE_END); at !== -1; at = chunk.indexOf(LINE_END, at + 1)) lines += 1;
  return lines;
}
