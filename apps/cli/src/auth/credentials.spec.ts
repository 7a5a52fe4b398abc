import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { guardedBy, rejectToken } from '../testing/guarded-producer.js';
import { CLIENT, CLIENT_ENV, LocalIssuer } from '../testing/local-issuer.js';
import { answerJson, type Answerer } from '../testing/local-producer.js';
import { OPERATION, SUCCEEDED } from '../testing/operation-example.js';

const TOKEN = 'eyJh.bGci_~+/-9==';

/** Answers as a producer that starts an operation, which succeeds. */
const operation: Answerer = (request, response) => {
  if (request.method === 'POST') answerJson(response, 202, OPERATION);
  else response.end(`event: done\nid: x\ndata: ${JSON.stringify(SUCCEEDED)}\n\n`);
};

describe('the credentials in the environment', () => {
  it('can be a token, which is sent with every request, also the one for events', async () => {
    const env = { ORDERS_TOKEN: TOKEN };
    const { exitCode, arrivals } = await runOrders(['populate', '5', '--watch'], operation, { env });
    expect(exitCode).toBe(0);
    expect(arrivals.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
  });

  it('can come from files; one that is missing is reported by a command that needs it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'credentials-'));
    const env = { ORDERS_TOKEN_FILE: join(folder, 'token') };
    await writeFile(env.ORDERS_TOKEN_FILE, `${TOKEN}\n`);
    const { exitCode, arrivals } = await runOrders(['populate', '5', '--watch'], operation, { env });
    expect([exitCode, arrivals[0]?.headers.authorization]).toEqual([0, `Bearer ${TOKEN}`]);
    await rm(folder, { recursive: true });
    const missing = await runOrders(['operations'], operation, { env });
    expect([missing.exitCode, missing.requests]).toEqual([2, []]);
    expect(missing.err).toMatch(/^The file of ORDERS_TOKEN_FILE does not exist: set the path of an existing file/);
    expect((await runOrders(['--help'], operation, { env })).exitCode).toBe(0);
  });

  it('can be those of a client: each rejected request is repeated with a new token', async () => {
    const issuer = await LocalIssuer.start();
    try {
      const { exitCode, out, err, arrivals } = await runOrders(
        ['populate', '5', '--watch'],
        guardedBy(issuer, (request, response, at) => {
          issuer.expireTokens();
          return operation(request, response, at);
        }),
        { env: CLIENT_ENV },
      );
      expect([exitCode, issuer.tokenRequests.length]).toEqual([0, 2]);
      const keys = arrivals.map(({ headers }) => headers['idempotency-key']).filter((key) => key !== undefined);
      expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
      for (const secret of [CLIENT.secret, 'token-']) expect(out + err).not.toContain(secret);
    } finally {
      await issuer.stop();
    }
  });

  it.each([{}, { ORDERS_TOKEN: '', ORDERS_CLIENT_ID: '', ORDERS_CLIENT_SECRET: '' }, CLIENT_ENV])(
    'cause no extra request if the producer requires no token: %j',
    async (env) => {
      const { exitCode, requests, arrivals } = await runOrders(['populate', '5', '--watch'], operation, { env });
      expect([exitCode, requests]).toEqual([0, ['POST /v1/populate', `GET /v1/operations/${OPERATION.id}/events`]]);
      expect(arrivals.map(({ headers }) => headers.authorization)).toStrictEqual([undefined, undefined]);
    },
  );

  it.each([
    [{ ORDERS_CLIENT_ID: CLIENT.id }, /^ORDERS_CLIENT_ID is set and ORDERS_CLIENT_SECRET is not\./],
    [{ ORDERS_CLIENT_SECRET: CLIENT.secret }, /^ORDERS_CLIENT_SECRET is set and ORDERS_CLIENT_ID is not\./],
    [{ ORDERS_TOKEN: `Bearer ${TOKEN}` }, /^ORDERS_TOKEN is not a bearer token.*\n.*without `Bearer`/],
    [{ ORDERS_TOKEN: `${TOKEN}\r\nHost: elsewhere` }, /^ORDERS_TOKEN is not a bearer token/],
  ])('are rejected before any request if they are invalid: %j', async (env, message) => {
    const { exitCode, err, requests } = await runOrders(['operations'], operation, { env });
    expect([exitCode, requests]).toEqual([2, []]);
    expect(err).toMatch(message);
    for (const secret of [TOKEN, CLIENT.secret]) expect(err).not.toContain(secret);
  });

  it('are required if the producer requires a token; the error explains how to set them', async () => {
    const { exitCode, out, err, requests } = await runOrders(['operations'], (_, response) =>
      rejectToken(response, undefined),
    );
    expect([exitCode, out, requests.length]).toEqual([2, '', 1]);
    expect(err).toMatch(/^The producer at http:\S+ requires a token\.\n/);
    for (const word of ['ORDERS_TOKEN', 'ORDERS_CLIENT_ID', 'ORDERS_CLIENT_SECRET', '.env'])
      expect(err).toContain(word);
    expect(err).toContain('`npm start -- --auth` the demo client is orders-demo with the secret orders-demo-secret');
  });

  it('can be a token that the producer rejects: the reason is printed without the token', async () => {
    const answer: Answerer = (_, response) => rejectToken(response, `The token ${TOKEN} has expired.`);
    const env = { ORDERS_TOKEN: TOKEN };
    for (const command of ['operations', `watch ${OPERATION.id}`]) {
      const { exitCode, err, requests } = await runOrders(command.split(' '), answer, { env });
      expect([exitCode, requests.length]).toEqual([2, 1]);
      expect(err).toMatch(
        /^The producer at http:\S+ rejects the token in ORDERS_TOKEN: The token \*\*\* has expired\.\n/,
      );
    }
  });

  it('use the token if both a token and a client are set', async () => {
    const env = { ORDERS_TOKEN: TOKEN, ...CLIENT_ENV };
    const { exitCode, err, requests } = await runOrders(
      ['operations'],
      (_, response) => void response.writeHead(401).end(),
      {
        env,
      },
    );
    expect([exitCode, requests]).toEqual([2, ['GET /v1/operations?pageSize=20']]);
    expect(err).toMatch(/rejects the token in ORDERS_TOKEN\.\n.*unset it/);
  });
});
