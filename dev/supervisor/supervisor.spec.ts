import { mkdir, rm } from 'node:fs/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { useTemporaryFolder } from '#orders/testing/temporary-folder.js';
import { announcement } from './announcement.js';
import { AppLogView, isForTerminal } from './app-log-view.js';
import { readConsoleRequest } from './console-requests.js';
import { requireSameReplication, resolvePartitions } from './fitting-data.js';
import { ScrapeTargets } from './scrape-targets.js';
import { compileErrors } from './source-watch.js';
import { StopCounter } from './stop-requests.js';

const folder = useTemporaryFolder();

describe('the lines before ready', () => {
  const where = {
    producers: ['http://127.0.0.1:3001'],
    issuer: undefined,
    legacy: undefined,
    facade: undefined,
    queryApis: ['http://127.0.0.1:3000', 'http://127.0.0.1:43210'],
    console: 'http://127.0.0.1:3002',
    consumers: 2,
    brokers: '127.0.0.1:9092',
    registryUrl: 'http://127.0.0.1:8081/apis/ccompat/v7',
    mongodbUri: 'mongodb://ann:secret@db.example/orders',
    dataDirectory: '/project/.data',
    credentials: undefined,
  };

  it.each<[string, Partial<Parameters<typeof announcement>[0]>, string[], RegExp]>([
    [
      'the addresses of the page and the API documents, of what runs only, without passwords',
      {},
      [
        '  Console          http://127.0.0.1:3002',
        '  Producer         http://127.0.0.1:3001/docs',
        '  Query API        http://127.0.0.1:3000/docs',
        '  Query API        http://127.0.0.1:43210/docs',
        '  MongoDB          mongodb://ann:***@db.example/orders',
      ],
      /Legacy|Facade|Credentials|secret/,
    ],
    ['no console that does not run', { console: undefined }, [], /Console/],
    [
      'the addresses of the legacy system and the facade',
      { legacy: 'http://127.0.0.1:3010', facade: 'http://127.0.0.1:3005' },
      [
        '  Facade           http://127.0.0.1:3005/orders/page/1, http://127.0.0.1:3005/docs',
        '  Legacy system    http://127.0.0.1:3010/orders/page/1',
      ],
      /secret/,
    ],
    [
      'no password that is not in its usual place',
      {
        registryUrl: 'https://secret@registry/v7',
        mongodbUri: 'mongodb://ann:se/secret@db/orders?tlsCertificateKeyFilePassword=secret',
      },
      ['  Schema registry  https://***@registry/v7', '  MongoDB          mongodb://ann:***@db/orders'],
      /secret/,
    ],
    [
      'the folder of the credentials of a secured stack',
      { credentials: '/tmp/run' },
      ['  Credentials      /tmp/run, for npm run admin: /tmp/run/admin.env'],
      /secret/,
    ],
  ])('contain %s', (_, change, lines, absent) => {
    const printed = announcement({ ...where, ...change });
    expect(printed).toEqual(expect.arrayContaining(lines));
    expect(printed.join('\n')).not.toMatch(absent);
  });
});

describe('an app log line', () => {
  it.each([
    ['a warning, even from Nest', '{"level":40,"msg":"slow","context":"NestFactory"}', true],
    ['an error', '{"level":50,"msg":"broken"}', true],
    ['progress', '{"level":30,"msg":"processed 100/1000"}', true],
    ["of Nest's own start", '{"level":30,"context":"RoutesResolver","msg":"OrdersController {/v1}"}', false],
    [
      "of Nest's own logger",
      '\u001B[32m[Nest] 7  - \u001B[39m5:22:04 PM \u001B[32m    LOG\u001B[39m [NestFactory] Starting',
      false,
    ],
    ['a debug message', '{"level":20,"msg":"a request"}', false],
    ['the stack trace of a crash', 'TypeError: x is not a function', true],
    ['half a line', '{ half a line', true],
    ['empty', '  ', false],
  ])('that is %s, is for the terminal: %j, %p', (_, line, isShown) => {
    expect(isForTerminal(line)).toBe(isShown);
  });

  it('is prefixed with the name of its app', () => {
    const lines: string[] = [];
    const view = new AppLogView((line) => lines.push(line), false);
    const entry = {
      level: 30,
      time: '2026-01-02T03:04:05.000Z',
      msg: 'processed',
      processed: 5,
      pid: 1,
      service: 'consumer',
    };
    view.show('consumer-1', JSON.stringify(entry));
    view.show('consumer-1', 'Error: boom');
    expect(lines).toEqual([
      expect.stringMatching(/^\[consumer-1\] \[\d\d:\d\d:\d\d\] INFO: processed \{"processed":5\}$/),
      '[consumer-1] Error: boom',
    ]);
  });
});

describe('a request of the console', () => {
  const scale = { type: 'scale', consumers: 3 };

  it.each<[unknown, unknown]>([
    [scale, scale],
    [{ type: 'listening', url: 'http://127.0.0.1:1' }, undefined],
    [{ ...scale, consumers: '3' }, undefined],
    [{ ...scale, consumers: 1.5 }, undefined],
    [{ ...scale, type: 'compare' }, undefined],
    [{}, undefined],
    ['scale', undefined],
    [null, undefined],
  ])('%j is read as %j', (message, request) => {
    expect(readConsoleRequest(message)).toEqual(request);
  });
});

describe('existing data', () => {
  const choice = { kafka: true, registry: true, mongodb: true };

  it.each([
    ['12 on fresh data', undefined, undefined, 12],
    ['those that are requested on fresh data', undefined, 3, 3],
    ['those of the data', 5, undefined, 5],
    ['those of the data if the same are requested', 5, 5, 5],
  ])('decide about the partitions: %s', (_, existing, requested, partitions) => {
    expect(resolvePartitions({ path: '/data', partitions: existing }, requested)).toBe(partitions);
  });

  it('keep their number of partitions', () => {
    const data = { path: '/data', partitions: 5 };
    expect(() => resolvePartitions(data, 6)).toThrow('was created with 5 partitions, but 6 were requested');
  });

  it.each([
    ['of one server of each kind are not for three', 'mongodb', true, false],
    ['of one server of each kind are for one', 'mongodb', false, true],
    ['of three are for three', 'kafka-1', true, true],
    ['of three are not for one', 'kafka-1', false, false],
    ['that are empty are for three', '', true, true],
    ['that are empty are for one', '', false, true],
  ])('%s', async (_, name, isReplicated, isAccepted) => {
    await mkdir(folder(name), { recursive: true });
    const required = expect(() => requireSameReplication(folder(), { choice, isReplicated }));
    if (isAccepted) required.not.toThrow();
    else required.toThrow('was created with');
  });

  it('of servers that are not embedded now are ignored', async () => {
    await mkdir(folder('mongodb'));
    const outside = { ...choice, mongodb: false };
    expect(() => requireSameReplication(folder(), { choice: outside, isReplicated: true })).not.toThrow();
  });
});

describe("the file of Prometheus's scrape targets", () => {
  const path = (): string => folder('prometheus-targets.json');
  const written = (): unknown => JSON.parse(readFileSync(path(), 'utf8'));

  it('contains each app by name with its current address, until it has drained', () => {
    const file = new ScrapeTargets(path(), () => undefined);
    file.add('producer', 'producer', 'http://127.0.0.1:3001');
    for (const port of [40_001, 40_002]) file.add('consumer', 'consumer-1', `http://127.0.0.1:${port}`);
    const producer = { targets: ['127.0.0.1:3001'], labels: { job: 'producer', instance: 'producer' } };
    const consumer = { targets: ['127.0.0.1:40002'], labels: { job: 'consumer', instance: 'consumer-1' } };
    expect(written()).toEqual([producer, consumer]);
    for (let drained = 0; drained < 2; drained += 1) file.remove('consumer-1');
    expect(written()).toEqual([producer]);
  });

  it('is emptied at the start, even after a killed stack', () => {
    writeFileSync(path(), '[{"targets":["127.0.0.1:1"]}]');
    expect(new ScrapeTargets(path(), () => undefined)).toBeDefined();
    expect(written()).toEqual([]);
  });

  it('does not stop the stack if it can not be written', async () => {
    const printed: string[] = [];
    const file = new ScrapeTargets(path(), (line) => void printed.push(line));
    await rm(folder(), { recursive: true });
    file.add('consumer', 'consumer-1', 'http://127.0.0.1:40001');
    expect(printed.at(-1)).toContain('is not up to date: Error: ENOENT');
  });
});

describe('the end of a compilation in watch mode', () => {
  it.each([
    ['5:01:38 PM - Found 0 errors. Watching for file changes.', 0],
    ['5:01:38 PM - Found 1 error. Watching for file changes.', 1],
    ['5:01:38 PM - Found 12 errors. Watching for file changes.', 12],
    ['5:01:38 PM - File change detected. Starting incremental compilation...', undefined],
    ["apps/producer/src/pace.ts(18,7): error TS2322: Type 'string' is not assignable.", undefined],
  ])('with %j has %p errors', (line, errors) => {
    expect(compileErrors(line)).toBe(errors);
  });
});

describe('requests to stop', () => {
  it.each([
    ['drain, print a message, and force the end', [0, 1_000, 2_000], ['drain after SIGINT', 'still draining', 'force']],
    ['count one Ctrl-C once, although both the terminal and npm send it', [0, 5, 10], ['drain after SIGINT']],
  ])('%s', (_, times, wanted) => {
    const answers: string[] = [];
    let time = 0;
    const counter = new StopCounter(
      {
        first: (reason) => answers.push(`drain after ${reason}`),
        again: () => answers.push('still draining'),
        force: () => answers.push('force'),
      },
      () => time,
    );
    for (const at of times) {
      time = at;
      counter.request('SIGINT');
    }
    expect(answers).toEqual(wanted);
  });
});
