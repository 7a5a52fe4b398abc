import { describe, expect, it } from '@jest/globals';
import { CliError } from '../cli-error.js';
import { breaks, inTurn, json, problem, type Answerer, useServers } from '../testing/local-servers.js';
import { problemError } from './connection.js';
import { type ProducerRequest, defaultUrl, serviceUrl } from './producer-client.js';

const POPULATE: ProducerRequest = {
  path: '/v1/populate',
  headers: { 'idempotency-key': 'one' },
  json: { count: 5, rate: undefined },
  unknownOutcome: 'Repeat it with --key one.',
};

const half: Answerer = ({ socket }, response) =>
  response.writeHead(200, { 'content-length': '100' }).write('{"id":', () => socket.destroy());

async function failureOf(request: Promise<unknown>): Promise<CliError> {
  const error = await request.catch((thrown: unknown) => thrown);
  if (!(error instanceof CliError)) throw new Error(`It did not fail as it should: ${String(error)}`);
  return error;
}

describe('the producer client', () => {
  const { connect } = useServers();

  it('retries a request after a broken connection, with the same body and key, and a growing back-off', async () => {
    const { client, producer, clock } = await connect(inTurn(breaks, breaks, breaks, json({ id: 'x' }, 202)));
    expect(await client.post(POPULATE)).toEqual({ id: 'x' });
    expect(producer.arrivals.map(({ body }) => body)).toEqual(Array.from({ length: 4 }, () => '{"count":5}'));
    expect(new Set(producer.headers('idempotency-key'))).toEqual(new Set(['one']));
    expect(clock.waits).toEqual([200, 400, 800]);
  });

  it('retries a request whose response was incomplete', async () => {
    const { client } = await connect(inTurn(half, json({ id: 'x' })));
    expect(await client.get('/v1/operations/x')).toEqual({ id: 'x' });
  });

  it('fails after four tries, and explains how to repeat a request that may have been executed', async () => {
    const { client, producer } = await connect(breaks);
    const error = await failureOf(client.post(POPULATE));
    expect(error).toMatchObject({ code: 'connection-broken', exitCode: 1, remedy: 'Repeat it with --key one.' });
    expect(producer.requests).toHaveLength(4);
  });

  it('reports that no producer answers, with the address and a remedy', async () => {
    const { client, producer } = await connect(breaks);
    await producer.stop();
    expect(await failureOf(client.post(POPULATE))).toMatchObject({
      code: 'no-producer',
      exitCode: 1,
      message: `No producer answers at ${client.url} (ECONNREFUSED): start one with \`npm start\`, or set another with --url.`,
    });
  });

  it('does not retry a request that the producer rejects', async () => {
    const { client, producer } = await connect(problem(409, 'operation-ended'));
    expect(await failureOf(client.post(POPULATE))).toMatchObject({ code: 'operation-ended', exitCode: 1 });
    expect(producer.requests).toHaveLength(1);
  });

  it.each<[string, Answerer, string]>([
    ['another error', (_, response) => response.writeHead(404).end('<html>'), 'responded with 404.'],
    ...['<html>', '', '[]', 'null', '"text"'].map((body): [string, Answerer, string] => [
      `${body} instead of an object`,
      (_, response) => response.end(body),
      'returned an unexpected response. Its body is not a JSON object.',
    ]),
  ])('reports a server that is not a producer: it responds with %s', async (_, answer, text) => {
    const { client } = await connect(answer);
    expect(await failureOf(client.post(POPULATE))).toMatchObject({
      code: 'unexpected-answer',
      exitCode: 1,
      message: `POST ${client.url}/v1/populate ${text}`,
    });
  });
});

describe('problem details', () => {
  const count = { field: 'count', in: 'body', pointer: '/count', detail: 'must be 1 or more' };
  const poison = { pointer: '/faults/poison', detail: 'must be from 0 to 1' };

  it.each([
    [
      'one invalid field',
      400,
      { code: 'invalid', errors: [count], detail: 'x' },
      2,
      'count must be 1 or more (invalid)',
    ],
    [
      'a line for each of several fields',
      422,
      { code: 'invalid', errors: [count, poison], detail: 'x' },
      2,
      'Several values are invalid. (invalid)\n  count must be 1 or more\n  /faults/poison must be from 0 to 1',
    ],
    [
      'no control characters',
      400,
      { errors: [{ field: 'a\nb', detail: '\u202e' }], detail: 'x' },
      2,
      'a\\u000ab \\u202e',
    ],
    ['a title in place of a detail', 503, { title: 'Service Unavailable' }, 1, 'Service Unavailable'],
  ])('are printed with %s', (_, status, body, exitCode, message) => {
    expect(problemError(status, JSON.stringify(body), 'GET /')).toMatchObject({
      code: 'code' in body ? body.code : 'problem',
      message,
      exitCode,
    });
  });
});

describe('the address of a service', () => {
  it.each<['producer' | 'console' | 'facade', string, string, number]>([
    ['producer', 'ORDERS_URL', 'PRODUCER_PORT', 3001],
    ['console', 'ORDERS_CONSOLE_URL', 'CONSOLE_PORT', 3002],
    ['facade', 'ORDERS_FACADE_URL', 'FACADE_PORT', 3005],
  ])('is that of `npm start` with its port, unless another one is set: %p', (service, address, portName, port) => {
    expect(defaultUrl({}, service)).toBe(`http://127.0.0.1:${port}`);
    expect(defaultUrl({ [address]: '', [portName]: '4001' }, service)).toBe('http://127.0.0.1:4001');
    expect(defaultUrl({ [address]: 'http://there', [portName]: '4001' }, service)).toBe('http://there');
  });

  it('may have a path and a trailing slash', () => {
    expect(serviceUrl('http://127.0.0.1:3001/')).toBe('http://127.0.0.1:3001');
    expect(serviceUrl('https://there/producer/')).toBe('https://there/producer');
  });

  it.each(['http://me:s3cret@there', 'http://me:s3/@ret@there'])('is rejected without its credentials: %s', (text) => {
    const message = '"…@there" is not the address of a service.';
    expect(() => serviceUrl(text)).toThrow(expect.objectContaining({ message }));
  });

  it.each(['localhost:3001', '3001', 'ftp://there', 'http://there?x=1', 'http://me@there'])('is not %s', (text) => {
    expect(() => serviceUrl(text)).toThrow(expect.objectContaining({ code: 'bad-url', exitCode: 2 }));
  });
});
