import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HelperActuator } from './helper-actuator.js';

describe('the helper that sets the number of consumers', () => {
  let server: Server;
  let url: string;
  let answer: { readonly status: number; readonly body: object };
  const requests: string[] = [];

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    requests.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`.trim());
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  }

  beforeEach(async () => {
    requests.length = 0;
    answer = { status: 200, body: { replicas: 4, running: 3 } };
    server = createServer((request, response) => void respond(request, response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => void server.close());

  it('is asked for the number, and requested to set one, with the token', async () => {
    const helper = new HelperActuator(url, 'a-secret-token');
    expect(await helper.present()).toBe(4);
    await helper.set(6);
    expect(requests).toEqual([
      'GET /consumers/replicas Bearer a-secret-token',
      'PUT /consumers/replicas Bearer a-secret-token {"replicas":6}',
    ]);
  });

  it('refuses with its own words, which never contain the token', async () => {
    answer = { status: 422, body: { code: 'beyond-limits', detail: 'at most 8' } };
    const refused = new HelperActuator(`${url}/`, 'a-secret-token').set(9);
    await expect(refused).rejects.toThrow(/^PUT .*\/consumers\/replicas returned 422: .*at most 8/);
    await expect(refused).rejects.not.toThrow(/secret/);
  });

  it('is wrong when it answers something else', async () => {
    answer = { status: 200, body: { replicas: 'many' } };
    await expect(new HelperActuator(url, 'a-secret-token').present()).rejects.toThrow(/replicas/);
  });
});
