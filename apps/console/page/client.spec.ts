import type { RequestListener } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { localServer } from '../src/testing/local-server.js';
import { ApiProblem, Client, isNotFound, type Session } from './client.js';

const RESPONSES: Readonly<Record<string, RequestListener>> = {
  '/none': () => undefined,
  // The body never ends.
  '/half': (_, response) => void response.write('{'),
  '/cut': (_, response) => void response.write('{"items":', () => response.destroy()),
  '/expired': (_, response) => void response.writeHead(401).end('{"detail": "The token has expired."}'),
};

/** A session that records why it was ended. */
function sessionOf(token: string | null): { session: Session; reasons: unknown[] } {
  const reasons: unknown[] = [];
  const signOut = (reason: string | null): void => void reasons.push(reason);
  return { reasons, session: { token, signOut } as unknown as Session };
}

describe('an answer that there is no such order', () => {
  it.each([
    [404, 'not-found', true],
    [404, 'order-archived', false],
    [503, 'mongodb-away', false],
  ])('is %i %s: %s', (status, code, isAbsent) => {
    expect(isNotFound(new ApiProblem(status, code, ''))).toBe(isAbsent);
  });
});

describe('a request to the console', () => {
  const server = localServer((request, response) => RESPONSES[request.url ?? '']?.(request, response));

  it.each(['/none', '/half'])('fails after the timeout when the answer is missing or incomplete (%s)', async (path) => {
    const request = new Client(sessionOf(null).session, 50).get(`${server.url}${path}`);
    await expect(request).rejects.toMatchObject({ code: 'no-answer', message: 'The console does not answer.' });
  });

  it.each([
    ['a rejected token, with the reason', 'mine', 'The token has expired. Sign in again.'],
    ['a missing token', null, null],
  ])('asks for a sign-in after %s', async (_, token, reason) => {
    const { session, reasons } = sessionOf(token);
    await expect(new Client(session).get(`${server.url}/expired`)).rejects.toMatchObject({ status: 401 });
    expect(reasons).toEqual([reason]);
  });

  it.each(['get', 'post'] as const)('fails when the answer to a %s breaks off in the middle', async (method) => {
    const request = new Client(sessionOf(null).session)[method](`${server.url}/cut`);
    const message = 'The answer broke off in the middle.';
    await expect(request).rejects.toMatchObject({ code: 'cut-answer', message });
  });
});
