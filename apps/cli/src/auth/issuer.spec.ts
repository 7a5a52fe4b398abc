import { afterEach, describe, expect, it } from '@jest/globals';
import { ProducerClient } from '../producer/producer-client.js';
import { operationById } from '../producer/operation-requests.js';
import type { Operation } from '../producer/producer-api.js';
import { guardedBy, METADATA_PATH, metadataOf, rejectToken } from '../testing/guarded-producer.js';
import { ImmediateClock } from '../testing/immediate-clock.js';
import { CLIENT, LocalIssuer } from '../testing/local-issuer.js';
import { answerJson, LocalProducer, type Answerer } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';
import { Issuer } from './issuer.js';

const CONFIGURATION_PATH = '/issuer/.well-known/openid-configuration';
const TOKEN_PATH = '/issuer/token';
const OTHER = { issuer: 'https://other.test', token_endpoint: 'https://other.test/token' };

function json(status: number, body: object): Answerer {
  return (_, response) => answerJson(response, status, body);
}

const granting = (access_token: string, token_type: string): Answerer => json(200, { access_token, token_type });
const noEndpoint: Answerer = ({ headers }, response) =>
  answerJson(response, 200, { issuer: `http://${headers.host}/issuer` });
const found = json(200, OPERATION);

/** A producer that serves the given metadata about its issuer, and rejects all other requests. */
function naming(metadata: object, status = 200): Answerer {
  return (request, response) => {
    if (request.url === METADATA_PATH) answerJson(response, status, metadata);
    else rejectToken(response, undefined);
  };
}

describe('tokens for client credentials', () => {
  const servers: { stop(): Promise<void> }[] = [];
  const timing = { clock: new ImmediateClock(), random: () => 1 };

  afterEach(async () => {
    await Promise.all(servers.splice(0).map(async (server) => server.stop()));
  });

  async function issuerWith(instead: Readonly<Record<string, Answerer>> = {}): Promise<LocalIssuer> {
    const issuer = await LocalIssuer.start(instead);
    servers.push(issuer);
    return issuer;
  }

  async function producerWith(answer: Answerer, below = '', issuer?: string) {
    const producer = await LocalProducer.start(answer);
    servers.push(producer);
    const client = new ProducerClient(`${producer.url}${below}`, timing, { client: { ...CLIENT, issuer } });
    const getOperation = async (): Promise<Operation> => operationById(client, OPERATION.id);
    return { getOperation, requests: () => producer.arrivals.map(({ method, path }) => `${method} ${path}`) };
  }

  it('are requested from the issuer that the producer names, at the first 401, and reused', async () => {
    const issuer = await issuerWith();
    const { getOperation, requests } = await producerWith(guardedBy(issuer, found));
    for (let at = 0; at < 3; at += 1) expect(await getOperation()).toEqual(OPERATION);
    const once = `GET /v1/operations/${OPERATION.id}`;
    expect(requests()).toEqual([once, `GET ${METADATA_PATH}`, once, once, once]);
    expect(issuer.requests).toEqual([`GET ${CONFIGURATION_PATH}`, `POST ${TOKEN_PATH}`]);
    const encoded = Buffer.from('orders%3A+%C3%BC:s3cret-._%3D%2B%2F+%26%25').toString('base64');
    const form = { grant_type: 'client_credentials', scope: 'orders:read orders:write' };
    expect(issuer.tokenRequests).toEqual([{ authorization: `Basic ${encoded}`, form }]);
  });

  it('are requested from the issuer that a producer behind a path names below this path', async () => {
    const issuer = await issuerWith();
    const guarded = guardedBy(issuer, found);
    const { getOperation, requests } = await producerWith((request, response, at) => {
      request.url = request.url?.replace(/^\/producer/, '');
      return guarded(request, response, at);
    }, '/producer');
    expect(await getOperation()).toEqual(OPERATION);
    expect(requests()[1]).toBe(`GET /producer${METADATA_PATH}`);
  });

  it('are requested without a scope if the producer names none', async () => {
    const issuer = await issuerWith();
    const guarded = guardedBy(issuer, found);
    const { getOperation } = await producerWith((request, response, at) => {
      if (request.url !== METADATA_PATH) return guarded(request, response, at);
      answerJson(response, 200, { resource: 'orders', authorization_servers: [issuer.url] });
    });
    expect(await getOperation()).toEqual(OPERATION);
    expect(issuer.tokenRequests.map(({ form }) => form)).toEqual([{ grant_type: 'client_credentials' }]);
  });

  it('are requested again after they expired, without another discovery', async () => {
    const issuer = await issuerWith();
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    for (let at = 0; at < 3; at += 1) {
      expect(await getOperation()).toEqual(OPERATION);
      issuer.expireTokens();
    }
    const token = `POST ${TOKEN_PATH}`;
    expect(issuer.requests).toEqual([`GET ${CONFIGURATION_PATH}`, token, token, token]);
  });

  it('are requested at most once per request: the rejection of a new token is an error', async () => {
    const issuer = await issuerWith();
    const { getOperation, requests } = await producerWith((request, response) => {
      if (request.url === METADATA_PATH) answerJson(response, 200, metadataOf(issuer.url));
      else rejectToken(response, `${request.headers.authorization}: its aud is not right.`);
    });
    await expect(getOperation()).rejects.toMatchObject({
      code: 'token-refused',
      exitCode: 2,
      message: expect.stringMatching(/just issued: Bearer \*\*\*: its aud is not right\.$/),
    });
    expect([requests().length, issuer.tokenRequests.length]).toEqual([3, 1]);
  });

  it.each([
    ['invalid_client', 401, /^Check ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET\.$/],
    ['invalid_scope', 400, /Allow the client .* the scopes orders:read orders:write\.$/],
  ])('are not issued to a client that the issuer rejects, %s', async (error, status, remedy) => {
    const description = `no \u001b such client or secret ${CLIENT.secret}`;
    const issuer = await issuerWith({
      [TOKEN_PATH]: (_, response) => {
        if (status === 401) response.setHeader('www-authenticate', 'Basic realm="issuer"');
        answerJson(response, status, { error, error_description: description });
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
    let tries = 0;
    const issuer = await issuerWith({
      [CONFIGURATION_PATH]: (request) => {
        tries += 1;
        request.socket.destroy();
      },
    });
    const { getOperation, requests } = await producerWith(guardedBy(issuer, found));
    const address = `${issuer.url}/.well-known/openid-configuration`;
    await expect(getOperation()).rejects.toMatchObject({
      code: 'issuer-away',
      exitCode: 1,
      message: expect.stringContaining(`at ${address}`),
    });
    expect([tries, requests().length]).toEqual([4, 2]);
  });

  it('fail if no issuer listens at its address', async () => {
    const issuer = await LocalIssuer.start();
    const { getOperation } = await producerWith(naming(metadataOf(issuer.url)));
    const address = `${issuer.url}/.well-known/openid-configuration`;
    await issuer.stop();
    await expect(getOperation()).rejects.toMatchObject({
      code: 'issuer-away',
      message: `The token issuer at ${address} can't be reached (ECONNREFUSED).`,
    });
  });

  it('fail if the issuer has no valid TLS at its address, with the reason', async () => {
    const issuer = await issuerWith();
    const address = issuer.url.replace('http:', 'https:');
    const { getOperation } = await producerWith(naming(metadataOf(address)));
    const message: unknown = expect.stringMatching(/is unusable: .*SSL.*wrong version number[^\\]*$/);
    await expect(getOperation()).rejects.toMatchObject({ code: 'issuer-unusable', message });
  });

  it('fail if the issuer responds with 503', async () => {
    const issuer = await issuerWith({ [TOKEN_PATH]: json(503, {}) });
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    await expect(getOperation()).rejects.toMatchObject({
      code: 'issuer-away',
      message: `The token issuer at ${issuer.tokenUrl} responds with 503.`,
    });
  });

  it.each<[string, string, Answerer, RegExp]>([
    ['another name', CONFIGURATION_PATH, json(200, OTHER), /"issuer" .* expected value: https:\/\/other\.test\.$/],
    ['an invalid name', CONFIGURATION_PATH, json(200, { ...OTHER, issuer: 'other' }), /Invalid URL\.$/],
    ['no token endpoint', CONFIGURATION_PATH, noEndpoint, /"as\.token_endpoint"\.$/],
    ['no metadata', CONFIGURATION_PATH, json(404, {}), /Metadata response .*: 404\.$/],
    ['an empty response', CONFIGURATION_PATH, (_, response) => void response.writeHead(204).end(), /: 204\.$/],
    ['a web page', CONFIGURATION_PATH, (_, response) => void response.end('<html>'), /application\/json: 200\.$/],
    ['no token', TOKEN_PATH, json(200, {}), /"access_token"/],
    ['an error without a code', TOKEN_PATH, json(400, {}), /Token Endpoint response .*: 400\.$/],
    ['a token of another kind', TOKEN_PATH, granting('x', 'DPoP'), /bearer token\.$/],
    ['a token of an unknown kind', TOKEN_PATH, granting('x', 'mac'), /token_type/],
    ['a token that is invalid in a header', TOKEN_PATH, granting('x\r\ny: z', 'Bearer'), /bearer token\.$/],
  ])('are not accepted from an issuer with %s', async (_, path, answer, problem) => {
    const issuer = await issuerWith({ [path]: answer });
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    const message: unknown = expect.stringMatching(problem);
    await expect(getOperation()).rejects.toMatchObject({ code: 'issuer-unusable', exitCode: 1, message });
    expect(issuer.tokenRequests).toHaveLength(path === TOKEN_PATH ? 1 : 0);
  });

  it.each([
    ['has no metadata', {}, 404],
    ['names no issuer', { authorization_servers: [] }, 200],
  ])('fail if the producer %s', async (_, metadata, status) => {
    const { getOperation } = await producerWith(naming(metadata, status));
    await expect(getOperation()).rejects.toMatchObject({
      code: 'no-issuer',
      message: expect.stringContaining(METADATA_PATH),
    });
  });

  it('are not requested over a connection on which a third party could read the secret or redirect it', async () => {
    const insecure = { code: 'insecure-address', exitCode: 2 };
    const { getOperation } = await producerWith(naming(metadataOf('http://issuer.test')));
    await expect(getOperation()).rejects.toMatchObject(insecure);
    const issuer = await issuerWith({
      [CONFIGURATION_PATH]: (_, response) =>
        answerJson(response, 200, { issuer: issuer.url, token_endpoint: 'http://issuer.test/token' }),
    });
    const second = await producerWith(guardedBy(issuer, found));
    await expect(second.getOperation()).rejects.toMatchObject(insecure);
    await expect(Issuer.advertisedBy('http://orders.test', CLIENT, timing)).rejects.toMatchObject(insecure);
  });

  it('are requested only from the configured issuer, even if the producer names another', async () => {
    const [issuer, other] = [await issuerWith(), await issuerWith()];
    const foreign = await producerWith(guardedBy(issuer, found), '', other.url);
    await expect(foreign.getOperation()).rejects.toMatchObject({ code: 'foreign-issuer', exitCode: 2 });
    expect([issuer.requests, other.requests]).toEqual([[], []]);
    const own = await producerWith(guardedBy(issuer, found), '', `${issuer.url}/`);
    expect(await own.getOperation()).toEqual(OPERATION);
    expect(issuer.tokenRequests).toHaveLength(1);
  });

  it.each([CONFIGURATION_PATH, TOKEN_PATH])('are not requested through a redirect of %s', async (path) => {
    const elsewhere = await issuerWith();
    const issuer = await issuerWith({
      [path]: (_, response) => void response.writeHead(307, { location: elsewhere.url + path }).end(),
    });
    const { getOperation } = await producerWith(guardedBy(issuer, found));
    await expect(getOperation()).rejects.toMatchObject({ code: 'issuer-unusable' });
    expect(elsewhere.requests).toEqual([]);
  });
});
