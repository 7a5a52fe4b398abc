import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { runOrders, type CommandLineRun } from '../apps/cli/src/testing/command-line-run.js';
import { METADATA_PATH, metadataOf, rejectToken, json } from '../apps/cli/src/testing/local-servers.js';
import { DEMO_CLIENT } from '../apps/dev-issuer/src/settings.js';
import { developmentProvider, signingKeys } from '../apps/dev-issuer/src/provider.js';

describe('the command line with the development issuer', () => {
  const server: Server = createServer();
  let url: string;

  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = developmentProvider({
      issuer: url,
      audience: 'orders',
      keys: await signingKeys(undefined),
      docsOrigins: [url],
      cookieSecret: 'for this spec only',
    });
    const handle = provider.callback();
    server.on('request', (request, response) => void handle(request, response));
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  });

  /** Lists operations of a producer that verifies tokens as the services do, with a client of the issuer. */
  async function listOperations(secret: string): Promise<CommandLineRun> {
    const keys = createRemoteJWKSet(new URL(`${url}/jwks`));
    return runOrders(
      ['operations'],
      async (request, response, at) => {
        if (request.url === METADATA_PATH) return json(metadataOf(url))(request, response, at);
        const token = request.headers.authorization?.replace('Bearer ', '');
        if (token === undefined) return rejectToken(response, undefined);
        const { payload } = await jwtVerify(token, keys, { issuer: url, audience: 'orders', typ: 'at+jwt' });
        expect(payload).toMatchObject({ client_id: DEMO_CLIENT.id, scope: 'orders:read orders:write' });
        return json({ items: [], page: {} })(request, response, at);
      },
      { env: { ORDERS_CLIENT_ID: DEMO_CLIENT.id, ORDERS_CLIENT_SECRET: secret } },
    );
  }

  it('gets a token that the services accept', async () => {
    const { exitCode, err, requests } = await listOperations(DEMO_CLIENT.secret);
    expect([exitCode, err]).toEqual([0, 'No operations found.\n']);
    expect(requests).toHaveLength(3);
  });

  it('prints why the issuer rejects the client, without the secret', async () => {
    const { exitCode, err } = await listOperations('wrong-secret');
    expect(exitCode).toBe(2);
    expect(err).toMatch(/rejects the client in ORDERS_CLIENT_ID \(invalid_client: .+\)\.\nCheck ORDERS_CLIENT_ID/);
    expect(err).not.toContain('wrong-secret');
  });
});
