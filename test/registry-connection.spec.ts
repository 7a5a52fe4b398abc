import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { createServer as createPlainServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PrivateAuthority } from '../dev/servers/private-authority.js';
import type { RegistryAccess } from '#orders/order/registry-connection.js';
import { OrderCodec } from '#orders/order/order-codec.js';
import { explainConnection } from '#service/availability/explain-connection.js';
import { registryAccess } from '#service/kafka/kafka-access.js';

const SECRET = 's3cret-of-the-registry';
const USER = { SCHEMA_REGISTRY_USERNAME: 'ann', SCHEMA_REGISTRY_PASSWORD: SECRET };
const BASIC = `Basic ${Buffer.from(`ann:${SECRET}`).toString('base64')}`;
const UNKNOWN_SCHEMA = Buffer.from([0, 0, 0, 0, 9, 1]);

/** Imitates a registry that requires a user or a token for every request, and knows one schema. */
class GuardedRegistry {
  readonly requests: string[] = [];
  /** Whether it answers the next request; default: always. */
  answers = (): boolean => true;
  readonly url: string;

  private constructor(
    readonly server: Server | ReturnType<typeof createPlainServer>,
    scheme: string,
  ) {
    this.url = `${scheme}://localhost:${(server.address() as AddressInfo).port}`;
    server.on('request', this.answer);
  }

  static async start(server: GuardedRegistry['server'], scheme: string): Promise<GuardedRegistry> {
    server.listen(0, 'localhost');
    await once(server, 'listening');
    return new GuardedRegistry(server, scheme);
  }

  private readonly answer: RequestListener = (request: IncomingMessage, response) => {
    const { authorization = '' } = request.headers;
    const path = `${request.method} ${request.url}`;
    this.requests.push(path);
    request.resume();
    if (!this.answers()) return;
    const [status, body] = ![BASIC, `Bearer ${SECRET}`].includes(authorization)
      ? [401, { error_code: 401 }]
      : path.startsWith('GET /config')
        ? [200, { compatibilityLevel: 'BACKWARD' }]
        : path.startsWith('POST')
          ? [200, { id: 1 }]
          : [404, { error_code: 40403, message: 'Schema not found' }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}

/** Registers the schema and looks up another one: the requests of the client, of the registration and of the lookup. */
async function useAll(settings: object, url: string, more: Partial<RegistryAccess> = {}): Promise<unknown> {
  const access = registryAccess({ SCHEMA_REGISTRY_URL: url, ...settings });
  const codec = await OrderCodec.connect({ ...access, ...more });
  return codec.learn(UNKNOWN_SCHEMA);
}

describe('the connection to a registry', () => {
  let authority: PrivateAuthority;
  let secured: GuardedRegistry;
  let plain: GuardedRegistry;

  beforeAll(async () => {
    authority = await PrivateAuthority.create();
    const { certificate: cert, key } = await authority.issue('registry', ['localhost']);
    secured = await GuardedRegistry.start(createServer({ cert, key }), 'https');
    plain = await GuardedRegistry.start(createPlainServer(), 'http');
  });

  afterAll(() => {
    for (const { server } of [secured, plain]) {
      server.closeAllConnections();
      server.close();
    }
  });

  it.each([
    ['a user', USER],
    ['a token', { SCHEMA_REGISTRY_TOKEN: SECRET }],
  ])('sends the credentials of %s, and trusts the given authority, in every request', async (_, settings) => {
    secured.requests.length = 0;
    const result = useAll(settings, secured.url, { ca: authority.certificate });
    await expect(result).rejects.toMatchObject({ code: 'unknown-schema' });
    expect(secured.requests).toEqual([
      'GET /config/orders.v1-value',
      'GET /config/orders.v1-value',
      'POST /subjects/orders.v1-value/versions',
      'GET /schemas/ids/9',
      'GET /schemas/ids/9',
    ]);
  });

  it('sends a request once more when no response arrives', async () => {
    let sent = 0;
    plain.answers = () => ++sent % 2 === 0;
    await expect(useAll(USER, plain.url, { timeoutMs: 5_000 })).rejects.toMatchObject({ code: 'unknown-schema' });
    plain.answers = () => true;
    // Each of the five requests is sent twice: those of the client, of the registration and of the lookup.
    expect(sent).toBe(10);
  });

  it('takes the user of an address', async () => {
    const url = plain.url.replace('//', `//ann:${SECRET}@`);
    await expect(useAll({}, url)).rejects.toMatchObject({ code: 'unknown-schema' });
  });

  it.each<[string, (url: string) => Promise<unknown>, string]>([
    ['an unknown authority', async (url) => useAll(USER, url), 'set SCHEMA_REGISTRY_CA_FILE to the file'],
    [
      'a certificate for another host',
      async (url) => useAll(USER, url.replace('localhost', '127.0.0.1'), { ca: authority.certificate }),
      'has a certificate for another host name: set SCHEMA_REGISTRY_URL',
    ],
    [
      'a wrong password',
      async (url) => useAll({ ...USER, SCHEMA_REGISTRY_PASSWORD: `${SECRET}!` }, url, { ca: authority.certificate }),
      'rejects the credentials: correct SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD',
    ],
  ])('is explained in one line without secrets: %s', async (_, connect, line) => {
    const error = await connect(secured.url).catch((failure: unknown) => failure);
    expect(explainConnection(error)).toContain(line);
    expect(`${String(error)} ${explainConnection(error)}`).not.toContain(SECRET);
  });
});
