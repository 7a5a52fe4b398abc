import { describe, expect, it } from '@jest/globals';
import { useTemporaryFolder, writeInto } from '#orders/testing/temporary-folder.js';
import { runOrders } from '../testing/command-line-run.js';
import {
  breaks,
  CLIENT,
  CLIENT_ENV,
  CONFIGURATION_PATH,
  event,
  events,
  guardedBy,
  ImmediateClock,
  inTurn,
  json,
  LocalProducer,
  METADATA_PATH,
  metadataOf,
  OPERATION,
  problem,
  rejectToken,
  SUCCEEDED,
  TOKEN_PATH,
  useServers,
  type Answerer,
} from '../testing/local-servers.js';
import { confidentialFetch, isConfidential, Issuer } from './access-token.js';
import { operationPath } from './operation-events.js';

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
const OTHER = { issuer: 'https://other.test', token_endpoint: 'https://other.test/token' };

const granting = (access_token: string, token_type: string): Answerer => json({ access_token, token_type });
const noEndpoint: Answerer = (request, response, at) =>
  json({ issuer: `http://${request.headers.host}/issuer` })(request, response, at);
const found = json(OPERATION);

/** A producer that answers a request for its metadata so, and rejects all other requests. */
function naming(metadata: Answerer, reason?: (token: unknown) => string): Answerer {
  return (request, response, at) =>
    request.url === METADATA_PATH
      ? metadata(request, response, at)
      : rejectToken(response, reason?.(request.headers.authorization));
}

describe('an address that a secret may be sent to', () => {
  it.each([
    'https://issuer.test/token',
    'http://localhost:3003',
    'http://127.0.0.1:3003/token',
    'http://127.1/',
    'http://[::1]:3003/',
  ])('is %s', (address) => {
    expect(isConfidential(address)).toBe(true);
  });

  it.each([
    'http://issuer.test/token',
    'http://localhost.issuer.test/',
    'http://127.0.0.1.issuer.test/',
    'http://localhost@issuer.test/',
    'http://10.0.0.1/',
    'ftp://localhost/',
    'nowhere',
  ])('is not %s', async (address) => {
    expect(isConfidential(address)).toBe(false);
    const sent = confidentialFetch(address, { method: 'GET', headers: {}, body: undefined });
    await expect(sent).rejects.toMatchObject({ code: 'insecure-address', exitCode: 2 });
  });
});

describe('tokens for client credentials', () => {
  const { startIssuer, connect } = useServers();

  /** @param below the path of the producer. @param issuer the only issuer that the credentials are for */
  async function producerWith(answer: Answerer, below = '', issuer?: string) {
    const { client, producer } = await connect(answer, { client: { ...CLIENT, issuer } }, below);
    return { getOperation: async () => client.get(operationPath(OPERATION.id)), producer };
  }

  it('are requested from the issuer that the producer names, at the first 401, and reused', async () => {
    const issuer = await startIssuer();
    const { getOperation, producer } = await producerWith(guardedBy(issuer, found));
    for (let at = 0; at < 3; at += 1) expect(await getOperation()).toEqual(OPERATION);
    const once = `GET /v1/operations/${OPERATION.id}`;
    expect(producer.requests).toEqual([once, `GET ${METADATA_PATH}`, once, once, once]);
    expect(issuer.requests).toEqual([`GET ${CONFIGURATION_PATH}`, `POST ${TOKEN_PATH}`]);
    const encoded = Buffer.from('orders%3A+%C3%BC:s3cret-._%3D%2B%2F+%26%25').toString('base64');
    const form = { grant_type: 'client_credentials', scope: 'orders:read orders:write' };
    expect(issuer.tokenRequests).toEqual([{ authorization: `Basic ${encoded}`, form }]);
  });

  it('are requested from the issuer that a producer behind a path names below this path', async () => {
    const guarded = guardedBy(await startIssuer(), found);
    const { getOperation, producer } = await producerWith((request, response, at) => {
      request.url = request.url?.replace(/^\/producer/, '');
      return guarded(request, response, at);
    }, '/producer');
    expect(await getOperation()).toEqual(OPERATION);
    expect(producer.requests[1]).toBe(`GET /producer${METADATA_PATH}`);
  });

  it('are requested without a scope if the producer names none', async () => {
    const issuer = await startIssuer();
    const { getOperation } = await producerWith(naming(json({ authorization_servers: [issuer.url] })));
    await expect(getOperation()).rejects.toMatchObject({ code: 'token-refused' });
    expect(issuer.tokenRequests.map(({ form }) => form)).toEqual([{ grant_type: 'client_credentials' }]);
  });

  it('are requested again after they expired, without another discovery', async () => {
    const issuer = await startIssuer();
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    for (let at = 0; at < 3; at += 1) {
      expect(await getOperation()).toEqual(OPERATION);
      issuer.expireTokens();
    }
    const token = `POST ${TOKEN_PATH}`;
    expect(issuer.requests).toEqual([`GET ${CONFIGURATION_PATH}`, token, token, token]);
  });

  it('are requested at most once per request: the rejection of a new token is an error', async () => {
    const issuer = await startIssuer();
    const { getOperation, producer } = await producerWith(
      naming(json(metadataOf(issuer.url)), (token) => `${String(token)}: its aud is not right.`),
    );
    await expect(getOperation()).rejects.toMatchObject({
      code: 'token-refused',
      exitCode: 2,
      message: expect.stringMatching(/just issued: Bearer \*\*\*: its aud is not right\.$/),
    });
    expect([producer.requests.length, issuer.tokenRequests.length]).toEqual([3, 1]);
  });

  it.each([
    ['invalid_client', 401, /^Check ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET\.$/],
    ['invalid_scope', 400, /Allow the client .* the scopes orders:read orders:write\.$/],
  ])('are not issued to a client that the issuer rejects, %s', async (error, status, remedy) => {
    const description = `no \u001b such client or secret ${CLIENT.secret}`;
    const issuer = await startIssuer({
      [TOKEN_PATH]: (request, response, at) => {
        if (status === 401) response.setHeader('www-authenticate', 'Basic realm="issuer"');
        return json({ error, error_description: description }, status)(request, response, at);
      },
    });
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    await expect(getOperation()).rejects.toMatchObject({
      code: 'client-refused',
      exitCode: 2,
      message: `The token issuer ${issuer.url} rejects the client in ORDERS_CLIENT_ID (${error}: no \\u001b such client or secret ***).`,
      remedy: expect.stringMatching(remedy),
    });
    expect(issuer.tokenRequests).toHaveLength(1);
  });

  it('fail after four broken connections to the issuer, with its address', async () => {
    const issuer = await startIssuer({ [CONFIGURATION_PATH]: breaks });
    const { getOperation, producer } = await producerWith(guardedBy(issuer, found));
    await expect(getOperation()).rejects.toMatchObject({
      code: 'issuer-away',
      exitCode: 1,
      message: expect.stringContaining(`at ${issuer.url}/.well-known/openid-configuration`),
    });
    expect([issuer.requests.length, producer.requests.length]).toEqual([4, 2]);
  });

  it('fail if no issuer listens at its address', async () => {
    const ended = await LocalProducer.start(found);
    const { getOperation } = await producerWith(naming(json(metadataOf(ended.url))));
    const address = `${ended.url}/.well-known/openid-configuration`;
    await ended.stop();
    await expect(getOperation()).rejects.toMatchObject({
      code: 'issuer-away',
      message: `The token issuer at ${address} can't be reached (ECONNREFUSED).`,
    });
  });

  it('fail if the issuer has no valid TLS at its address, with the reason', async () => {
    const address = (await startIssuer()).url.replace('http:', 'https:');
    const { getOperation } = await producerWith(naming(json(metadataOf(address))));
    const message: unknown = expect.stringMatching(/is unusable: .*SSL.*wrong version number[^\\]*$/);
    await expect(getOperation()).rejects.toMatchObject({ code: 'issuer-unusable', message });
  });

  it.each<[string, string, Answerer, RegExp, code?: string]>([
    ['no database', TOKEN_PATH, json({}, 503), /at http:\S+\/issuer\/token responds with 503\.$/, 'issuer-away'],
    ['another name', CONFIGURATION_PATH, json(OTHER), /"issuer" .* expected value: https:\/\/other\.test\.$/],
    ['an invalid name', CONFIGURATION_PATH, json({ ...OTHER, issuer: 'other' }), /Invalid URL\.$/],
    ['no token endpoint', CONFIGURATION_PATH, noEndpoint, /"as\.token_endpoint"\.$/],
    ['no metadata', CONFIGURATION_PATH, json({}, 404), /Metadata response .*: 404\.$/],
    ['an empty response', CONFIGURATION_PATH, (_, response) => response.writeHead(204).end(), /: 204\.$/],
    ['a web page', CONFIGURATION_PATH, (_, response) => response.end('<html>'), /application\/json: 200\.$/],
    ['no token', TOKEN_PATH, json({}), /"access_token"/],
    ['an error without a code', TOKEN_PATH, json({}, 400), /Token Endpoint response .*: 400\.$/],
    ['a token of another kind', TOKEN_PATH, granting('x', 'DPoP'), /bearer token\.$/],
    ['a token of an unknown kind', TOKEN_PATH, granting('x', 'mac'), /token_type/],
    ['a token that is invalid in a header', TOKEN_PATH, granting('x\r\ny: z', 'Bearer'), /bearer token\.$/],
  ])('are not accepted from an issuer with %s', async (_, path, answer, why, code = 'issuer-unusable') => {
    const issuer = await startIssuer({ [path]: answer });
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    const message: unknown = expect.stringMatching(why);
    await expect(getOperation()).rejects.toMatchObject({ code, exitCode: 1, message });
    expect(issuer.tokenRequests).toHaveLength(path === TOKEN_PATH ? 1 : 0);
  });

  it.each([
    ['has no metadata', json({}, 404)],
    ['names no issuer', json({ authorization_servers: [] })],
  ])('fail if the producer %s', async (_, metadata) => {
    const { getOperation } = await producerWith(naming(metadata));
    const message: unknown = expect.stringContaining(METADATA_PATH);
    await expect(getOperation()).rejects.toMatchObject({ code: 'no-issuer', message });
  });

  it('are not requested over a connection on which a third party could read the secret or redirect it', async () => {
    const insecure = { code: 'insecure-address', exitCode: 2 };
    const { getOperation } = await producerWith(naming(json(metadataOf('http://issuer.test'))));
    await expect(getOperation()).rejects.toMatchObject(insecure);
    const issuer = await startIssuer({
      [CONFIGURATION_PATH]: (...exchange) =>
        json({ issuer: issuer.url, token_endpoint: 'http://issuer.test/token' })(...exchange),
    });
    const second = await producerWith(guardedBy(issuer, found));
    await expect(second.getOperation()).rejects.toMatchObject(insecure);
    const timing = { clock: new ImmediateClock(), random: () => 1 };
    await expect(Issuer.advertisedBy('http://orders.test', CLIENT, timing)).rejects.toMatchObject(insecure);
  });

  it('are requested only from the configured issuer, even if the producer names another', async () => {
    const [issuer, other] = [await startIssuer(), await startIssuer()];
    const foreign = await producerWith(guardedBy(issuer, found), '', other.url);
    await expect(foreign.getOperation()).rejects.toMatchObject({ code: 'foreign-issuer', exitCode: 2 });
    expect([issuer.requests, other.requests]).toEqual([[], []]);
    const own = await producerWith(guardedBy(issuer, found), '', `${issuer.url}/`);
    expect(await own.getOperation()).toEqual(OPERATION);
    expect(issuer.tokenRequests).toHaveLength(1);
  });

  it.each([CONFIGURATION_PATH, TOKEN_PATH])('are not requested through a redirect of %s', async (path) => {
    const elsewhere = await startIssuer();
    const issuer = await startIssuer({
      [path]: (_, response) => response.writeHead(307, { location: elsewhere.url + path }).end(),
    });
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    await expect(getOperation()).rejects.toMatchObject({ code: 'issuer-unusable' });
    expect(elsewhere.requests).toEqual([]);
  });
});

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
