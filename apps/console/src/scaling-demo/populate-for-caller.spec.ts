import type { IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { localServer } from '../testing/local-server.js';
import { populateForCaller } from './populate-for-caller.js';
import { DemoEnd } from './scaling-demo.js';

describe('the test orders of a scaling demo', () => {
  let received: { path: string | undefined; headers: IncomingHttpHeaders; body: string }[];
  const producer = localServer((request, response) => {
    const { url: path, headers } = request;
    const receive = async (): Promise<void> => {
      received.push({ path, headers, body: await text(request) });
      response.writeHead(202, { 'content-type': 'application/json' }).end('{"id":"operation-1"}');
    };
    void receive();
  });
  const caller = { authorization: 'Bearer mine', ip: '10.0.0.7' };
  const populate = async (signal = new AbortController().signal): Promise<string> =>
    populateForCaller(producer.url, caller, { count: 80_000, key: 'demo-1', signal });

  beforeEach(() => {
    received = [];
  });

  it('are requested with the token and the address of who has started it, once', async () => {
    expect(await populate()).toBe('operation-1');
    expect(received).toMatchObject([
      {
        path: '/v1/populate',
        headers: { authorization: 'Bearer mine', 'x-forwarded-for': '10.0.0.7', 'idempotency-key': 'demo-1' },
        body: '{"count":80000}',
      },
    ]);
  });

  it.each([
    ['{"detail":"It is refused."}', 403, /It is refused/],
    ['{}', 500, /status 500/],
    ['<html>', 502, /did not accept/],
    ['{}', 202, /did not accept/],
  ])('have not been accepted with the answer %s, %i', async (body, status, message) => {
    producer.respond = (_, response) => void response.writeHead(status).end(body);
    await expect(populate()).rejects.toMatchObject({
      code: 'populate-failed',
      message: expect.stringMatching(message),
    });
  });

  it('are given up when the demo is stopped', async () => {
    const stopped = new AbortController();
    producer.respond = () => stopped.abort(new DemoEnd('cancelled', 'stopped', 'stopped'));
    await expect(populate(stopped.signal)).rejects.toMatchObject({ code: 'stopped' });
  });
});
