import { get, type IncomingMessage } from 'node:http';
import { expect } from '@jest/globals';
import { eventually } from './eventually.js';

/** The address of a facade, or of the legacy system. */
interface Addressed {
  readonly url: string;
}

/** Returns what a client sees of a response. */
export async function ask({ url }: Addressed, path: string) {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

/** Returns what a client sees of an error: its form is that of the legacy system. */
export async function errorOf({ url }: Addressed, path: string) {
  const response = await fetch(`${url}${path}`);
  const retryAfter = response.headers.get('retry-after');
  return { status: response.status, retryAfter, body: await response.json() };
}

/** Matches what `errorOf` returns while a read can not be answered. */
export function away(code: string) {
  const body = { statusCode: 503, code, error: 'Service Unavailable', message: expect.any(String) };
  return { status: 503, retryAfter: '1', body };
}

/** Resolves with a response whose body is not read. */
export async function startReading(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, resolve).once('error', reject);
  });
}

/** Resolves with a figure once it has not changed for half a second. */
export async function unchanging(read: () => number): Promise<number> {
  let last = 0;
  let checks = 0;
  await eventually('the figure does not change', () => {
    checks = read() === last && last > 0 ? checks + 1 : 0;
    last = read();
    return checks === 5;
  });
  return last;
}
