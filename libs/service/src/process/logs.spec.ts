import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pinoHttp } from 'pino-http';
import { createLogger, loggedUrl, requestLog } from './logs.js';
import { onParentExit } from './parent-process.js';

/** The second line waits for the first, which is written asynchronously. */
const LOG_AND_EXIT = `
  const { createLogger } = await import(${JSON.stringify(new URL('./logs.ts', import.meta.url).href)});
  const logger = createLogger('a-service', 'info');
  logger.info('first line');
  logger.info('last line');
  process.exit(0);`;

function started() {
  const args = ['--input-type=module', '--eval', LOG_AND_EXIT];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
}

describe('a process that logs and exits immediately', () => {
  it('writes its last line', async () => {
    expect(await text(started().stdout)).toContain('last line');
  });

  // Such as when the supervisor was killed, or after `| head` has exited.
  it('exits although the reader has closed the pipe', async () => {
    const child = started();
    const ended = once(child, 'exit');
    child.stdout.destroy();
    expect(await ended).toEqual([0, null]);
  });
});

describe('a logged request', () => {
  let server: Server;
  let line: Promise<string>;

  beforeEach(async () => {
    const logged = Promise.withResolvers<string>();
    line = logged.promise;
    const log = pinoHttp(requestLog(createLogger('a-service', 'debug', { write: logged.resolve })));
    server = createServer((request, response) => {
      log(request, response);
      response.statusCode = request.url === '/works' ? 200 : 503;
      response.setHeader('set-cookie', 'session=canary-answer');
      response.end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });

  afterEach(() => void server.close());

  /** Sends a request, and returns the fields of its line, which has no secret. */
  async function loggedAs(path: string): Promise<object> {
    const headers = { authorization: 'Bearer canary-token', cookie: 'session=canary', 'x-api-key': 'canary-key' };
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { headers });
    expect(await line).not.toContain('canary');
    return JSON.parse(await line) as object;
  }

  it.each([
    ['/works', 20, 200],
    ['/fails', 50, 503],
  ])(
    '%s has its method, path and status, and no header: those hold tokens, keys and cookies',
    async (url, level, statusCode) => {
      expect(await loggedAs(url)).toMatchObject({ level, req: { method: 'GET', url }, res: { statusCode } });
    },
  );

  it.each([
    [
      'no secret of the query',
      'page=2&access_token=canary-1&client_secret=canary-2&X-API-Key=canary-3&code=canary-4&state=canary-5',
      /^\/fails\?page=2&access_token=\*\*\*&/,
    ],
    [
      'at most 2,048 characters of a URL, and no secret before its end',
      `access_token=canary-1&${'a'.repeat(14_000)}`,
      /^\/fails\?access_token=\*\*\*&a{1900,2048}…$/,
    ],
  ])('has %s', async (_, query, url) => {
    expect(await loggedAs(`/fails?${query}`)).toMatchObject({ req: { url: expect.stringMatching(url) } });
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

describe('onParentExit', () => {
  it.each([
    ['once when the parent exits', true, 2, [0, 1]],
    ['at once if the parent exited while the app was loading', false, 0, [1, 1]],
    ['never in a process without an IPC channel', undefined, 0, [0, 0]],
  ])('calls the listener %s', (_, connected, disconnects, counts) => {
    const child = Object.assign(new EventEmitter(), { connected });
    let calls = 0;
    onParentExit(() => (calls += 1), child);
    const before = calls;
    for (let each = 0; each < disconnects; each += 1) child.emit('disconnect');
    expect([before, calls]).toEqual(counts);
  });
});
