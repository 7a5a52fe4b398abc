import type { RequestListener } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { localServer } from '../src/testing/local-server.js';
import { Client, type Session } from './client.js';
import { followEvents, type StreamListener } from './live/live-pipeline.js';

const RESPONSES: Readonly<Record<string, RequestListener>> = {
  '/none': () => undefined,
  // The body never ends.
  '/half': (_, response) => void response.write('{'),
  '/cut': (_, response) => void response.write('{"items":', () => response.destroy()),
  '/expired': (_, response) => void response.writeHead(401).end('{"detail": "The token has expired."}'),
};

/** A session that records why it was ended, and reports each end. */
function sessionOf(token: string | null, onSignOut = (): void => undefined): { session: Session; reasons: unknown[] } {
  const reasons: unknown[] = [];
  const signOut = (reason: string | null): void => {
    reasons.push(reason);
    onSignOut();
  };
  return { reasons, session: { token, signOut } as unknown as Session };
}

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

describe('following events', () => {
  const server = localServer((_, response) => void response.end());

  /** Answers each connection with the next status and events. @returns the tokens that were sent */
  function answer(...answers: { status: number; events: string[] }[]): (string | undefined)[] {
    const tokens: (string | undefined)[] = [];
    server.respond = ({ headers }, response) => {
      const { status, events } = answers.shift() ?? { status: 503, events: [] };
      tokens.push(headers.authorization);
      response.writeHead(status, { 'content-type': 'text/event-stream' });
      for (const event of events) response.write(`event: pipeline\ndata: ${event}\n\n`);
      response.end();
    };
    return tokens;
  }

  it('reconnects after each break, reports the disconnection, and sends the token', async () => {
    const tokens = answer(
      { status: 200, events: ['1', '2'] },
      { status: 503, events: [] },
      { status: 200, events: ['3'] },
    );
    const end = new AbortController();
    const received: (string | boolean)[] = [];
    const listener: StreamListener = {
      data: (text) => {
        received.push(text);
        if (text === '3') end.abort();
      },
      connected: (isConnected) => void received.push(isConnected),
    };
    await followEvents(new Client(sessionOf('mine').session), server.url, listener, end.signal);
    expect(received).toEqual([true, '1', '2', false, false, true, '3']);
    expect(tokens).toEqual(['Bearer mine', 'Bearer mine', 'Bearer mine']);
  });

  it('reports the reason when the token is rejected', async () => {
    answer({ status: 403, events: [] });
    const end = new AbortController();
    const { session, reasons } = sessionOf('mine', () => end.abort());
    const listener = { data: () => undefined, connected: () => undefined };
    await followEvents(new Client(session), server.url, listener, end.signal);
    expect(reasons).toEqual(['The service answered 403.']);
  });
});
