import { describe, expect, it } from '@jest/globals';
import { operationById } from '../producer/operation-requests.js';
import { ImmediateClock } from '../testing/immediate-clock.js';
import {
  CLIENT,
  CONFIGURATION_PATH,
  guardedBy,
  METADATA_PATH,
  metadataOf,
  rejectToken,
  TOKEN_PATH,
} from '../testing/local-issuer.js';
import { breaks, json, LocalProducer, type Answerer } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operations.js';
import { useServers } from '../testing/use-servers.js';
import { confidentialFetch, isConfidential } from './confidential-fetch.js';
import { Issuer } from './issuer.js';

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
    return { getOperation: async () => operationById(client, OPERATION.id), producer };
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

  it('fail if the issuer responds with 503', async () => {
    const issuer = await startIssuer({ [TOKEN_PATH]: json({}, 503) });
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    await expect(getOperation()).rejects.toMatchObject({
      code: 'issuer-away',
      message: `The token issuer at ${issuer.tokenUrl} responds with 503.`,
    });
  });

  it.each<[string, string, Answerer, RegExp]>([
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
  ])('are not accepted from an issuer with %s', async (_, path, answer, problem) => {
    const issuer = await startIssuer({ [path]: answer });
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    const message: unknown = expect.stringMatching(problem);
    await expect(getOperation()).rejects.toMatchObject({ code: 'issuer-unusable', exitCode: 1, message });
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
