import { afterEach, describe, expect, it } from '@jest/globals';
import { ProducerClient } from '../producer/producer-client.js';
import { operationById } from '../producer/operation-requests.js';
import type { Operation } from '../producer/operation.js';
import { guardedBy, METADATA_PATH, metadataOf, refuseToken } from '../testing/guarded-producer.js';
import { HastyClock } from '../testing/hasty-clock.js';
import { CLIENT, LocalIssuer } from '../testing/local-issuer.js';
import { answerJson, LocalProducer, type Answerer } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';
import { ClientToken } from './client-token.js';

const CONFIGURATION_PATH = '/issuer/.well-known/openid-configuration';
const TOKEN_PATH = '/issuer/token';
const OPERATION_PATH = `/v1/operations/${OPERATION.id}`;

const found: Answerer = (_, response) => answerJson(response, 200, OPERATION);

/** A producer that tells so much of its issuer, and lets nobody in. */
function naming(metadata: object, status = 200): Answerer {
  return (request, response) => {
    if (request.url === METADATA_PATH) answerJson(response, status, metadata);
    else refuseToken(response, undefined);
  };
}

describe('tokens for the credentials of a client', () => {
  const servers: { stop(): Promise<void> }[] = [];

  afterEach(async () => {
    await Promise.all(servers.splice(0).map(async (server) => server.stop()));
  });

  async function issuerWith(instead: Readonly<Record<string, Answerer>> = {}): Promise<LocalIssuer> {
    const issuer = await LocalIssuer.start(instead);
    servers.push(issuer);
    return issuer;
  }

  async function producerWith(answer: Answerer) {
    const producer = await LocalProducer.start(answer);
    servers.push(producer);
    const timing = { clock: new HastyClock(), random: () => 1 };
    const client = new ProducerClient(producer.url, timing, new ClientToken(CLIENT, producer.url, timing));
    const ask = async (): Promise<Operation> => operationById(client, OPERATION.id);
    return { ask, asked: () => producer.arrivals.map(({ method, path }) => `${method} ${path}`) };
  }

  it('are got of the issuer that the producer names, when it first asks for one, and kept', async () => {
    const issuer = await issuerWith();
    const { ask, asked } = await producerWith(guardedBy(issuer, found));
    for (let at = 0; at < 3; at += 1) expect(await ask()).toEqual(OPERATION);
    const once = `GET ${OPERATION_PATH}`;
    expect(asked()).toEqual([once, `GET ${METADATA_PATH}`, once, once, once]);
    expect(issuer.asked).toEqual([`GET ${CONFIGURATION_PATH}`, `POST ${TOKEN_PATH}`]);
    const encoded = Buffer.from('orders%3A+%C3%BC:s3cret%2B%2F+%26%25').toString('base64');
    expect(issuer.tokenRequests).toEqual([
      {
        authorization: `Basic ${encoded}`,
        form: { grant_type: 'client_credentials', scope: 'orders:read orders:write' },
      },
    ]);
  });

  it('are got again once they have expired, without looking for the issuer again', async () => {
    const issuer = await issuerWith();
    const { ask } = await producerWith(guardedBy(issuer, found));
    for (let at = 0; at < 3; at += 1) {
      expect(await ask()).toEqual(OPERATION);
      issuer.expireTokens();
    }
    const token = `POST ${TOKEN_PATH}`;
    expect(issuer.asked).toEqual([`GET ${CONFIGURATION_PATH}`, token, token, token]);
  });

  it('are not got twice for one request: a new one that is refused too is told', async () => {
    const issuer = await issuerWith();
    const { ask, asked } = await producerWith((request, response) => {
      if (request.url === METADATA_PATH) answerJson(response, 200, metadataOf(issuer.url));
      else refuseToken(response, `${request.headers.authorization}: its aud is not right.`);
    });
    await expect(ask()).rejects.toMatchObject({
      code: 'token-refused',
      exitCode: 2,
      message: expect.stringMatching(/just made: Bearer \*\*\*: its aud is not right\.$/),
    });
    expect([asked().length, issuer.tokenRequests.length]).toEqual([3, 1]);
  });

  it.each([
    ['invalid_client', 401, /^Check ORDERS_CLIENT_ID and ORDERS_CLIENT_SECRET\.$/],
    ['invalid_scope', 400, /must be allowed .* the scopes orders:read orders:write\.$/],
  ])('are not got by a client that the issuer refuses, %s', async (error, status, remedy) => {
    const description = `no \u001b such client or secret ${CLIENT.secret}`;
    const issuer = await issuerWith({
      [TOKEN_PATH]: (_, response) => answerJson(response, status, { error, error_description: description }),
    });
    const { ask } = await producerWith(guardedBy(issuer, found));
    await expect(ask()).rejects.toMatchObject({
      code: 'client-refused',
      exitCode: 2,
      message: `The issuer of the tokens, ${issuer.url}, refuses the client of ORDERS_CLIENT_ID (${error}: no \\u001b such client or secret ***).`,
      remedy: expect.stringMatching(remedy),
    });
    expect(issuer.tokenRequests).toHaveLength(1);
  });

  it('need an issuer whose connection holds, tried four times, else its address is told', async () => {
    let tries = 0;
    const issuer = await issuerWith({
      [CONFIGURATION_PATH]: (request) => {
        tries += 1;
        request.socket.destroy();
      },
    });
    const { ask, asked } = await producerWith(guardedBy(issuer, found));
    const address = `${issuer.url}/.well-known/openid-configuration`;
    await expect(ask()).rejects.toMatchObject({
      code: 'issuer-away',
      exitCode: 1,
      message: expect.stringContaining(`at ${address}.`),
    });
    expect([tries, asked().length]).toEqual([4, 2]);
  });

  it('need an issuer that is there', async () => {
    const issuer = await LocalIssuer.start();
    const { ask } = await producerWith(naming(metadataOf(issuer.url)));
    const address = `${issuer.url}/.well-known/openid-configuration`;
    await issuer.stop();
    await expect(ask()).rejects.toMatchObject({
      code: 'issuer-away',
      message: `The issuer of the tokens can't be reached (ECONNREFUSED), at ${address}.`,
    });
  });

  it('need an issuer that can answer now', async () => {
    const issuer = await issuerWith({ [TOKEN_PATH]: (_, response) => answerJson(response, 503, {}) });
    const { ask } = await producerWith(guardedBy(issuer, found));
    await expect(ask()).rejects.toMatchObject({
      code: 'issuer-away',
      message: `The issuer of the tokens answers 503, at ${issuer.tokenUrl}.`,
    });
  });

  it.each([
    ['another name', CONFIGURATION_PATH, 200, { issuer: 'https://other.test', token_endpoint: 'https://other.test/t' }],
    ['no discovery', CONFIGURATION_PATH, 404, {}],
    ['no token', TOKEN_PATH, 200, {}],
    ['a token of another kind', TOKEN_PATH, 200, { access_token: 'x', token_type: 'DPoP' }],
    ['a token that is no header', TOKEN_PATH, 200, { access_token: 'x\r\ny: z', token_type: 'Bearer' }],
  ])('are not taken of an issuer with %s', async (_, path, status, answer) => {
    const issuer = await issuerWith({ [path]: (__, response) => answerJson(response, status, answer) });
    const { ask } = await producerWith(guardedBy(issuer, found));
    await expect(ask()).rejects.toMatchObject({ code: 'issuer-unusable', exitCode: 1 });
    expect(issuer.tokenRequests).toHaveLength(path === TOKEN_PATH ? 1 : 0);
  });

  it.each([
    ['that the producer does not tell', {}, 404],
    ['of which the producer has none', { authorization_servers: [] }, 200],
  ])('are not got of an issuer %s', async (_, metadata, status) => {
    const { ask } = await producerWith(naming(metadata, status));
    await expect(ask()).rejects.toMatchObject({ code: 'no-issuer', message: expect.stringContaining(METADATA_PATH) });
  });

  it('are not asked for where somebody on the way could read the secret, or name another place for it', async () => {
    const insecure = { code: 'insecure-address', exitCode: 2 };
    const { ask } = await producerWith(naming(metadataOf('http://issuer.test')));
    await expect(ask()).rejects.toMatchObject(insecure);
    const issuer = await issuerWith({
      [CONFIGURATION_PATH]: (_, response) =>
        answerJson(response, 200, { issuer: issuer.url, token_endpoint: 'http://issuer.test/token' }),
    });
    const second = await producerWith(guardedBy(issuer, found));
    await expect(second.ask()).rejects.toMatchObject(insecure);
    const timing = { clock: new HastyClock(), random: () => 1 };
    const tokens = new ClientToken(CLIENT, 'http://orders.test', timing);
    await expect(tokens.renew({ reason: undefined, isOfNewToken: false })).rejects.toMatchObject(insecure);
  });

  it('are got of one issuer only where one is known, whatever the producer names', async () => {
    const [issuer, other] = [await issuerWith(), await issuerWith()];
    const { url } = await LocalProducer.start(guardedBy(issuer, found)).then((producer) => {
      servers.push(producer);
      return producer;
    });
    const timing = { clock: new HastyClock(), random: () => 1 };
    const refusal = { reason: undefined, isOfNewToken: false };
    const foreign = new ClientToken({ ...CLIENT, issuer: other.url }, url, timing);
    await expect(foreign.renew(refusal)).rejects.toMatchObject({ code: 'foreign-issuer', exitCode: 2 });
    expect([issuer.asked, other.asked]).toEqual([[], []]);
    const own = new ClientToken({ ...CLIENT, issuer: `${issuer.url}/` }, url, timing);
    await own.renew(refusal);
    expect(issuer.tokenRequests).toHaveLength(1);
  });

  it.each([CONFIGURATION_PATH, TOKEN_PATH])('do not follow where %s sends on to', async (path) => {
    const elsewhere = await issuerWith();
    const issuer = await issuerWith({
      [path]: (_, response) => void response.writeHead(307, { location: elsewhere.url + path }).end(),
    });
    const { ask } = await producerWith(guardedBy(issuer, found));
    await expect(ask()).rejects.toMatchObject({ code: 'issuer-unusable' });
    expect(elsewhere.asked).toEqual([]);
  });
});
