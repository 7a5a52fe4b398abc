import { spawn, type ChildProcess } from 'node:child_process';
import { once, EventEmitter } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, beforeEach } from '@jest/globals';
import { pinoHttp } from 'pino-http';
import { createLogger, loggedUrl, requestLog } from './logs.js';
import { onParentExit } from './parent-process.js';

const LOGS = new URL('./logs.ts', import.meta.url).href;
/** The second line waits for the first, which is written asynchronously. */
const LOG_AND_EXIT = `
  const { createLogger } = await import(${JSON.stringify(LOGS)});
  const logger = createLogger('a-service', 'info');
  logger.info('first line');
  logger.info('last line');
  process.exit(0);`;

describe('process that logs and exits immediately', () => {
  let child: ChildProcess | undefined;

  afterEach(() => {
    child?.kill('SIGKILL');
  });

  function started(): ChildProcess & { readonly stdout: NodeJS.ReadableStream & { destroy(): void } } {
    const args = ['--input-type=module', '--eval', LOG_AND_EXIT];
    const begun = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    child = begun;
    return begun;
  }

  it('writes its last line', async () => {
    const { stdout } = started();
    let text = '';
    for await (const chunk of stdout) text += chunk.toString();
    expect(text).toContain('last line');
  });

  // Such as when the supervisor was killed, or after `| head` has exited.
  it('exits although the reader has closed the pipe', async () => {
    const ending = started();
    const ended = once(ending, 'exit');
    ending.stdout.destroy();
    expect(await ended).toEqual([0, null]);
  });
});

describe('a logged request', () => {
  let server: Server;
  let line: PromiseWithResolvers<string>;

  beforeEach(async () => {
    line = Promise.withResolvers();
    const log = pinoHttp(requestLog(createLogger('a-service', 'debug', { write: (text) => line.resolve(text) })));
    server = createServer((request, response) => {
      log(request, response);
      response.statusCode = request.url === '/works' ? 200 : 503;
      response.setHeader('set-cookie', 'session=canary-answer');
      response.end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });

  afterEach(() => void server.close());

  it.each([
    ['/works', 20, 200],
    ['/fails', 50, 503],
  ])(
    '%s has its method, path and status, and no header: those hold tokens, keys and cookies',
    async (url, level, statusCode) => {
      const headers = { authorization: 'Bearer canary-token', cookie: 'session=canary', 'x-api-key': 'canary-key' };
      await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${url}`, { headers });
      const text = await line.promise;
      expect(JSON.parse(text)).toMatchObject({ level, req: { method: 'GET', url }, res: { statusCode } });
      expect(text).not.toContain('canary');
    },
  );

  it('has no secret of the query', async () => {
    const query = 'page=2&access_token=canary-1&client_secret=canary-2&X-API-Key=canary-3&code=canary-4&state=canary-5';
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/fails?${query}`);
    const text = await line.promise;
    expect(JSON.parse(text)).toMatchObject({
      req: { url: expect.stringMatching(/^\/fails\?page=2&access_token=\*\*\*&/) },
    });
    expect(text).not.toContain('canary');
  });

  it('has at most 2,048 characters of a URL, and no secret before its end', async () => {
    const query = `access_token=canary-1&${'a'.repeat(14_000)}`;
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/fails?${query}`);
    const { req } = JSON.parse(await line.promise) as { readonly req: { readonly url: string } };
    expect(req.url).toMatch(/^\/fails\?access_token=\*\*\*&a{1900,2048}…$/);
  });
});

describe('the search for secrets in a URL', () => {
  it.each([
    ['one long name', 'a'.repeat(14_000)],
    ['one long value', `page=${'a'.repeat(14_000)}`],
    ['many parameters', 'page=2&'.repeat(2_000)],
    ['many question marks', '?'.repeat(14_000)],
  ])('reads each character once at most: %s', (_kind, query) => {
    const names: string[] = [];
    loggedUrl(`/v1/orders?${query}`, (name) => names.push(name) < 0);
    expect(names.join('').length).toBeLessThanOrEqual(2_048);
    expect(names.join('')).not.toMatch(/[=&]/);
  });

  it.each([
    ['/v1/orders', '/v1/orders'],
    ['/v1/orders?', '/v1/orders?'],
    ['/token=1/code=2?page=2&token', '/token=1/code=2?page=2&token'],
    ['/login?code=1=2&zipcode=3&state=&authority=4', '/login?code=***&zipcode=3&state=***&authority=***'],
    ['/login?next=/home?code=1&page=2', '/login?next=/home?code=***&page=2'],
  ])('%s is logged as %s', (url, logged) => {
    expect(loggedUrl(url)).toBe(logged);
  });
});

/** @param connected whether the IPC channel is open; `undefined` means that there is none */
function fakeProcess(connected: boolean | undefined): EventEmitter & { connected: boolean | undefined } {
  return Object.assign(new EventEmitter(), { connected });
}

describe('onParentExit', () => {
  it('calls the listener once when the parent exits', () => {
    const child = fakeProcess(true);
    let calls = 0;
    onParentExit(() => (calls += 1), child);
    expect(calls).toBe(0);
    child.emit('disconnect');
    child.emit('disconnect');
    expect(calls).toBe(1);
  });

  it('calls the listener at once if the parent exited while the app was loading', () => {
    let calls = 0;
    onParentExit(() => (calls += 1), fakeProcess(false));
    expect(calls).toBe(1);
  });

  it('does not call the listener in a process without an IPC channel', () => {
    let calls = 0;
    onParentExit(() => (calls += 1), fakeProcess(undefined));
    expect(calls).toBe(0);
  });
});
