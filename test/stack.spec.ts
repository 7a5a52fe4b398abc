import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { documentedCommandsSpecs } from './stack/documented-commands.js';
import { documentedUsesSpecs } from './stack/documented-uses.js';
import { RunningStack } from './support/running-stack.js';

describe('npm start', () => {
  let folder: string;
  let data: string;
  let stack: RunningStack;
  /** The names of its first processes. Some cases change how many consumers run. */
  let started: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-stack-'));
    data = join(folder, 'data');
    const flags = ['--consumers', '2', '--save-ms', '0..10', '--legacy'];
    stack = await RunningStack.start({ dataDirectory: data, by: 'npm', flags });
    started = stack.processes().map(({ name }) => name);
    // The first numbers have orders, also if the first case populates records that are dead-lettered.
    const { id } = await stack.populate({ count: 10 });
    await stack.allSaved(id);
  });

  // Only npm gets the signal. This can't be a case, since it ends the stack that the others need.
  afterAll(async () => {
    const code = await stack.stop('SIGINT');
    await rm(folder, { recursive: true, force: true });
    if (code !== 0 || !stack.output.includes('everything has stopped'))
      throw new Error(`The stack ended with ${code}:\n${stack.output}`);
  });

  describe('the commands of the pages for operators', () => {
    documentedCommandsSpecs(() => stack);
  });

  describe('the commands of the pages for users', () => {
    documentedUsesSpecs(() => stack);
  });

  it('starts three servers and every app, and prints their addresses before ready', async () => {
    expect(started.toSorted()).toEqual([
      'Kafka',
      'MongoDB',
      'console',
      'consumer-1',
      'consumer-2',
      'facade',
      'legacy',
      'producer',
      'query-api',
      'schema registry',
    ]);
    const [before, after] = stack.output.split('\nready\n');
    expect(before).toContain(`${stack.producerUrl}/docs`);
    expect(before).toContain(`${stack.queryApiUrl}/docs`);
    expect(before).toContain(stack.brokers);
    expect(before).toContain(stack.registryUrl);
    expect(before).toContain(`${stack.legacyUrl}/orders/page/1`);
    expect(before).toContain(`${stack.facadeUrl}/docs`);
    expect(after).toBeDefined();
    for (const url of [stack.producerUrl, stack.queryApiUrl, stack.facadeUrl]) {
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      expect((await fetch(`${url}/docs`)).status).toBe(200);
    }
  });

  it('is ready once Kafka has loaded everything: no app has to wait for it after that', async () => {
    const { id } = await stack.populate({ count: 10 });
    await stack.allSaved(id);
    const logs = await Promise.all(
      stack.processes().map(async ({ name }) => readFile(join(data, 'logs', `${name}.log`), 'utf8').catch(() => '')),
    );
    expect(logs.join('')).not.toContain('COORDINATOR_LOAD_IN_PROGRESS');
  });

  it('rejects a second stack on the same data, and does not affect the first', async () => {
    const before = stack.processes();
    const { code, output } = await RunningStack.fail({ dataDirectory: data });
    expect(code).toBe(1);
    expect(output).toContain(`A stack already runs on ${data}`);
    expect(stack.processes()).toEqual(before);
  });

  it('runs the facade before the legacy system, whose files are in the data directory: its clients change an address only', async () => {
    const populated = await fetch(`${stack.legacyUrl}/populate?count=2`, { method: 'POST' });
    expect(populated.status).toBe(201);
    expect(await readdir(join(data, 'db_files'))).toEqual(['0.json']);
    const [direct, through] = await Promise.all(
      [stack.legacyUrl, stack.facadeUrl].map(async (url) => (await fetch(`${url}/orders/page/1`)).text()),
    );
    expect(through).toBe(direct);
    // Other cases may have made more.
    expect(JSON.parse(direct ?? '')).toEqual(expect.arrayContaining([expect.anything(), expect.anything()]));
    const mismatches = await fetch(`${stack.facadeUrl}/v1/migration/mismatches`);
    expect(await mismatches.json()).toEqual({ items: [], next: null });
  });
});
