import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from './client.js';
import type { Session } from './session.js';

const session = { token: null } as unknown as Session;

describe('a request to the console', () => {
  let server: Server;
  let url: string;

  beforeEach(async () => {
    server = createServer((request, response) => {
      // The body never ends, or no answer is sent at all.
      if (request.url === '/half') response.write('{');
      if (request.url === '/expired') response.writeHead(401).end('{"detail": "The token has expired."}');
      if (request.url === '/cut') response.write('{"items":', () => response.destroy());
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it.each(['/none', '/half'])('fails after the timeout when the answer is missing or incomplete (%s)', async (path) => {
    const request = new Client(session, 50).get(`${url}${path}`);
    await expect(request).rejects.toMatchObject({ code: 'no-answer', message: 'The console does not answer.' });
  });

  it.each([
    ['a rejected token, with the reason', 'mine', 'The token has expired. Sign in again.'],
    ['a missing token', null, null],
  ])('asks for a sign-in after %s', async (_, token, reason) => {
    const reasons: (string | null)[] = [];
    const signOut = (given: string | null): void => void reasons.push(given);
    const client = new Client({ token, signOut } as unknown as Session, 5_000);
    await expect(client.get(`${url}/expired`)).rejects.toMatchObject({ status: 401 });
    expect(reasons).toEqual([reason]);
  });

  it('fails when the answer breaks off in the middle', async () => {
    const client = new Client(session);
    const message = 'The answer broke off in the middle.';
    await expect(client.get(`${url}/cut`)).rejects.toMatchObject({ code: 'cut-answer', message });
    await expect(client.post(`${url}/cut`)).rejects.toMatchObject({ code: 'cut-answer', message });
  });
});
