import { describe, expect, it } from '@jest/globals';
import { useTemporaryFolder, writeInto } from '#orders/testing/temporary-folder.js';
import { runOrders } from '../testing/command-line-run.js';
import { CLIENT, CLIENT_ENV, guardedBy, rejectToken } from '../testing/local-issuer.js';
import { inTurn, json, problem, type Answerer } from '../testing/local-producer.js';
import { event, events, OPERATION, SUCCEEDED } from '../testing/operations.js';
import { useServers } from '../testing/use-servers.js';

const TOKEN = 'eyJh.bGci_~+/-9==';
const COMMANDS = ['operation', 'watch', 'cancel'].map((name) => `${name} ${OPERATION.id}`);
const WATCHED = 'populate 5 --watch';

/** Answers as a producer that starts an operation, which succeeds. */
const operation = inTurn(json(OPERATION, 202), events(event('done', SUCCEEDED)));
const demands: Answerer = (_, response) => rejectToken(response, undefined);
const rejects: Answerer = (_, response) => rejectToken(response, `The token ${TOKEN} has expired.`);
const forbids: Answerer = (request, response, at) => {
  response.setHeader('WWW-Authenticate', 'Bearer realm="orders", error="insufficient_scope", scope="orders:write"');
  return problem(403, 'insufficient-scope', { detail: 'It lacks the scope.' })(request, response, at);
};

describe('the credentials in the environment', () => {
  const { startIssuer, startProducer } = useServers();
  const folder = useTemporaryFolder();

  it('can be a token, which is sent with every request, also the one for events', async () => {
    const { exitCode, headers } = await runOrders(WATCHED, operation, { env: { ORDERS_TOKEN: TOKEN } });
    expect([exitCode, ...headers('authorization')]).toEqual([0, `Bearer ${TOKEN}`, `Bearer ${TOKEN}`]);
  });

  it('can come from files; one that is missing is reported by a command that needs it', async () => {
    const env = { ORDERS_TOKEN_FILE: folder('token') };
    const missing = await runOrders('operations', operation, { env });
    expect([missing.exitCode, missing.requests]).toEqual([2, []]);
    expect(missing.err).toMatch(/^The file of ORDERS_TOKEN_FILE does not exist: set the path of an existing file/);
    expect((await runOrders('--help', operation, { env })).exitCode).toBe(0);
    await writeInto(env.ORDERS_TOKEN_FILE, `${TOKEN}\n`);
    const { headers } = await runOrders('populate 5', operation, { env });
    expect(headers('authorization')).toEqual([`Bearer ${TOKEN}`]);
  });

  it('can be those of a client: each rejected request is repeated with a new token', async () => {
    const issuer = await startIssuer();
    const expiring: Answerer = (...exchange) => {
      issuer.expireTokens();
      return operation(...exchange);
    };
    const { exitCode, out, err, headers } = await runOrders(WATCHED, guardedBy(issuer, expiring), { env: CLIENT_ENV });
    expect([exitCode, issuer.tokenRequests.length]).toEqual([0, 2]);
    const keys = headers('idempotency-key').filter((key) => key !== undefined);
    expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
    for (const secret of [CLIENT.secret, 'token-']) expect(out + err).not.toContain(secret);
  });

  it.each([{}, { ORDERS_TOKEN: '', ORDERS_CLIENT_ID: '', ORDERS_CLIENT_SECRET: '' }, CLIENT_ENV])(
    'cause no extra request if the producer requires no token: %j',
    async (env) => {
      const { exitCode, requests, headers } = await runOrders(WATCHED, operation, { env });
      expect([exitCode, requests]).toEqual([0, ['POST /v1/populate', `GET /v1/operations/${OPERATION.id}/events`]]);
      expect(headers('authorization')).toStrictEqual([undefined, undefined]);
    },
  );

  it.each([
    [{ ORDERS_CLIENT_ID: CLIENT.id }, /^ORDERS_CLIENT_ID is set and ORDERS_CLIENT_SECRET is not\./],
    [{ ORDERS_CLIENT_SECRET: CLIENT.secret }, /^ORDERS_CLIENT_SECRET is set and ORDERS_CLIENT_ID is not\./],
    [{ ORDERS_TOKEN: `Bearer ${TOKEN}` }, /^ORDERS_TOKEN is not a bearer token.*\n.*without `Bearer`/],
    [{ ORDERS_TOKEN: `${TOKEN}\r\nHost: elsewhere` }, /^ORDERS_TOKEN is not a bearer token/],
  ])('are rejected before any request if they are invalid: %j', async (env, message) => {
    const { exitCode, err, requests } = await runOrders('operations', operation, { env });
    expect([exitCode, requests]).toEqual([2, []]);
    expect(err).toMatch(message);
    for (const secret of [TOKEN, CLIENT.secret]) expect(err).not.toContain(secret);
  });

  it('are required if the producer requires a token; the error explains how to set them', async () => {
    const { exitCode, out, err, requests } = await runOrders('operations', demands);
    expect([exitCode, out, requests.length]).toEqual([2, '', 1]);
    expect(err).toMatch(/^The producer at http:\S+ requires a token\.\n/);
    for (const word of ['ORDERS_TOKEN', 'ORDERS_CLIENT_ID', 'ORDERS_CLIENT_SECRET', '.env'])
      expect(err).toContain(word);
    expect(err).toContain('`npm start -- --auth` the demo client is orders-demo with the secret orders-demo-secret');
  });

  it('use the token if both a token and a client are set', async () => {
    const env = { ORDERS_TOKEN: TOKEN, ...CLIENT_ENV };
    const { exitCode, err, requests } = await runOrders('operations', json('', 401), { env });
    expect([exitCode, requests]).toEqual([2, ['GET /v1/operations?pageSize=20']]);
    expect(err).toMatch(/rejects the token in ORDERS_TOKEN\.\n.*unset it/);
  });

  describe.each(COMMANDS)('a request with a token: %s', (command) => {
    const env = { ORDERS_TOKEN: TOKEN };

    it('prints why the token is rejected, without the token', async () => {
      const { exitCode, err, requests } = await runOrders(command, rejects, { env });
      expect([exitCode, requests.length]).toEqual([2, 1]);
      expect(err).toMatch(
        /^The producer at http:\S+ rejects the token in ORDERS_TOKEN: The token \*\*\* has expired\.\n/,
      );
    });

    it.each([302, 307])('does not follow a redirect with the status %i', async (status) => {
      const elsewhere = await startProducer(json({}));
      const location = `${elsewhere.url}/v1/operations`;
      const redirect: Answerer = (_, response) => response.writeHead(status, { location }).end();
      const { exitCode, err, requests } = await runOrders(command, redirect, { env });
      expect([exitCode, requests.length, elsewhere.arrivals.length]).toEqual([1, 1, 0]);
      expect(err).toContain('Check that --url is the address of');
    });

    it('prints the scope that the token lacks', async () => {
      const { exitCode, err, requests } = await runOrders(command, forbids, { env });
      expect([exitCode, requests.length]).toEqual([2, 1]);
      expect(err).toBe(
        'It lacks the scope. (insufficient-scope)\n' +
          'Use a token with the scope orders:write, which its issuer must grant.\n',
      );
    });

    it('prints the problem details if it is forbidden for another reason', async () => {
      const { exitCode, err } = await runOrders(command, problem(403, 'foreign-origin'), { env });
      expect([exitCode, err]).toEqual([1, 'It is foreign-origin. (foreign-origin)\n']);
    });
  });
});
