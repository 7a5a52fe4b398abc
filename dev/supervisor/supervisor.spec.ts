import { mkdir, rm } from 'node:fs/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { useTemporaryFolder } from '#orders/testing/temporary-folder.js';
import type { ProcessRecords } from '../servers/data-directory.js';
import { compileErrors } from './source-watch.js';
import { announcement, AppLogView, isForTerminal } from './terminal.js';
import { App, readConsoleRequest } from './apps.js';
import { requireSameReplication, resolvePartitions } from './stack.js';
import { ScrapeTargets } from './scrape-targets.js';
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

  it.each<[Partial<Parameters<typeof announcement>[0]>, string[], RegExp]>([
    [{}, ['MongoDB          mongodb://ann:***@db.example/orders'], /Legacy|Facade|Credentials|secret/],
    [{}, ['Producer         http://127.0.0.1:3001/docs', 'Query API        http://127.0.0.1:43210/docs'], /secret/],
    [{}, ['Query API        http://127.0.0.1:3000/docs', 'Console          http://127.0.0.1:3002'], /secret/],
    [{ console: undefined }, [], /Console|secret/],
    [{ facade: 'http://a' }, ['Facade           http://a/orders/page/1, http://a/docs'], /secret/],
    [{ legacy: 'http://a' }, ['Legacy system    http://a/orders/page/1'], /secret/],
    [{ registryUrl: 'https://secret@registry/v7' }, ['Schema registry  https://***@registry/v7'], /secret/],
    [
      { mongodbUri: 'mongodb://ann:se/secret@db/a?tlsKey=secret' },
      ['MongoDB          mongodb://ann:***@db/a'],
      /secret/,
    ],
    [{ credentials: '/run' }, ['Credentials      /run, for npm run admin: /run/admin.env'], /secret/],
  ])('are for %j: what runs, and no password', (change, lines, absent) => {
    const printed = announcement({ ...where, ...change });
    expect(printed).toEqual(expect.arrayContaining(lines.map((line) => `  ${line}`)));
    expect(printed.join('\n')).not.toMatch(absent);
  });
});

describe('the end of a compilation in watch mode', () => {
  it.each([
    ['5:01:38 PM - Found 0 errors. Watching for file changes.', 0],
    ['5:01:38 PM - Found 1 error. Watching for file changes.', 1],
    ['5:01:38 PM - Found 12 errors. Watching for file changes.', 12],
    ['5:01:38 PM - File change detected. Starting incremental compilation...', undefined],
  ])('with %j has %p errors', (line, errors) => {
    expect(compileErrors(line)).toBe(errors);
  });
});

describe('the log of an app', () => {
  it('is shown with the name of the app, and a line that is no JSON as it is', () => {
    const lines: string[] = [];
    const view = new AppLogView((line) => lines.push(line), false);
    const entry = { level: 30, time: '2026-01-02T03:04:05.000Z', msg: 'processed', processed: 5, pid: 1 };
    view.show('consumer-1', JSON.stringify({ ...entry, service: 'consumer' }));
    view.show('consumer-1', 'Error: boom');
    expect(lines).toEqual([
      expect.stringMatching(/^\[consumer-1\] \[\d\d:\d\d:\d\d\] INFO: processed \{"processed":5\}$/),
      '[consumer-1] Error: boom',
    ]);
  });

  it('has all lines of its drain, of which the last arrive after its end', async () => {
    const [script, logFile] = [folder('app.mjs'), folder('app.log')];
    const drain = "process.stdout.write('drained\\n'.repeat(20_000), () => process.exit(0))";
    writeFileSync(
      script,
      `process.on('SIGTERM', () => ${drain}); setInterval(() => {}, 1_000); console.log('serves');`,
    );
    const serves = Promise.withResolvers<void>();
    const environment = {
      records: { add: () => undefined, remove: () => undefined } as unknown as ProcessRecords,
      guard: undefined,
      view: { show: () => serves.resolve() } as unknown as AppLogView,
      onListening: () => undefined,
      onRequest: () => undefined,
    };
    const definition = { name: 'app', job: undefined, script, heap: { youngMiB: 1 }, env: {}, logFile };
    const app = new App(definition, environment, () => undefined);
    const started = app.start();
    await serves.promise;
    await Promise.all([expect(started).rejects.toThrow('was stopped'), app.stop(60_000)]);
    expect(readFileSync(logFile, 'utf8').split('\n')).toEqual(['serves', ...Array<string>(20_000).fill('drained'), '']);
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
    [undefined, undefined, 12],
    [undefined, 3, 3],
    [5, undefined, 5],
    [5, 5, 5],
  ])('with %p partitions, and %p requested, have %i', (partitions, requested, resolved) => {
    expect(resolvePartitions({ path: '/data', partitions }, requested)).toBe(resolved);
  });

  it('keep their number of partitions', () => {
    const data = { path: '/data', partitions: 5 };
    expect(() => resolvePartitions(data, 6)).toThrow('was created with 5 partitions, but 6 were requested');
  });

  it.each([
    { by: 'one server of each kind', name: 'mongodb', isReplicated: false },
    { by: 'three', name: 'kafka-1', isReplicated: true },
  ])('of $by are accepted in the same mode only, if that server is embedded', async ({ name, isReplicated }) => {
    const requiring = (embedded: typeof choice, mode: boolean) => () =>
      requireSameReplication(folder(), { choice: embedded, isReplicated: mode });
    expect(requiring(choice, !isReplicated)).not.toThrow();
    await mkdir(folder(name));
    expect(requiring(choice, isReplicated)).not.toThrow();
    expect(requiring(choice, !isReplicated)).toThrow('was created with');
    expect(requiring({ ...choice, kafka: false, mongodb: false }, !isReplicated)).not.toThrow();
  });
});

function written(): unknown {
  return JSON.parse(readFileSync(folder('targets.json'), 'utf8'));
}

describe("the file of Prometheus's scrape targets", () => {
  it('contains each app by name with its current address, until it has drained', () => {
    const file = new ScrapeTargets(folder('targets.json'), () => undefined);
    file.add('producer', 'producer', 'http://127.0.0.1:3001');
    for (const port of [40_001, 40_002]) file.add('consumer', 'consumer-1', `http://127.0.0.1:${port}`);
    const producer = { targets: ['127.0.0.1:3001'], labels: { job: 'producer', instance: 'producer' } };
    const consumer = { targets: ['127.0.0.1:40002'], labels: { job: 'consumer', instance: 'consumer-1' } };
    expect(written()).toEqual([producer, consumer]);
    for (let drained = 0; drained < 2; drained += 1) file.remove('consumer-1');
    expect(written()).toEqual([producer]);
  });

  it('is emptied at the start, even after a killed stack', () => {
    writeFileSync(folder('targets.json'), '[{"targets":["127.0.0.1:1"]}]');
    expect(new ScrapeTargets(folder('targets.json'), () => undefined)).toBeDefined();
    expect(written()).toEqual([]);
  });

  it('does not stop the stack if it can not be written', async () => {
    const printed: string[] = [];
    const file = new ScrapeTargets(folder('targets.json'), (line) => void printed.push(line));
    await rm(folder(), { recursive: true });
    file.add('consumer', 'consumer-1', 'http://127.0.0.1:40001');
    expect(printed.at(-1)).toContain('is not up to date: Error: ENOENT');
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
