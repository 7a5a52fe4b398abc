import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ComparisonResponse } from '../../apps/console/src/comparison/comparison-response.js';
import type { ComparisonReport } from '../../dev/compare/comparison.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { eventually } from '../support/eventually.js';
import { Pipeline } from '../support/pipeline.js';
import { processesNaming } from '../support/processes-naming.js';

/** Few orders and short waits. */
const QUICK = ['--orders', '60', '--save-ms', '0..50'];
const SOME = ['one-after-another', 'unordered-2'];

interface Answer {
  readonly status: number;
  /** A comparison or a problem. */
  readonly body: ComparisonResponse & { readonly code?: string };
}

let folder: string;
/** Folder for the data of running comparisons. */
let temporary: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orders-test-'));
  temporary = join(folder, 'temporary');
  await mkdir(temporary);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Runs the script of `npm run compare` directly. */
function launch(...flags: string[]) {
  const script = join(PROJECT_DIRECTORY, 'dist/dev/compare.js');
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, [script, ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  return { child, ended: ended.then(([stdout, stderr, [code]]) => ({ stdout, stderr, code })) };
}

/** Checks that no data and no process of a comparison is left. */
async function expectNothingLeft(): Promise<void> {
  expect(await readdir(temporary)).toEqual([]);
  await eventually('no process is left', 5_000, async () => (await processesNaming(temporary)).length === 0);
}

describe('npm run compare', () => {
  it('measures the ways to save in a real pipeline, and leaves only its report and charts', async () => {
    const out = join(folder, 'charts');
    const only = SOME.flatMap((name) => ['--only', name]);
    const { stdout, stderr, code } = await launch(...QUICK, ...only, '--out', out, '--json', join(out, 'all.json'))
      .ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('written') });
    expect(stdout).toMatch(/^way .*\none after another .*\nin flight, .*\n/);
    expect((await readdir(out)).toSorted()).toEqual(['all.json', 'compare.png', 'compare.svg']);
    expect((await readFile(join(out, 'compare.png'))).subarray(1, 4).toString()).toBe('PNG');
    expect(await readFile(join(out, 'compare.svg'), 'utf8')).toContain('one after another');
    const report = JSON.parse(await readFile(join(out, 'all.json'), 'utf8')) as ComparisonReport;
    expect(report).toMatchObject({
      orders: 60,
      saveMs: { minimum: 0, maximum: 50 },
      machine: { node: process.version },
    });
    expect(report.results.map(({ name }) => name)).toEqual(SOME);
    // No way is faster than its simulated save times, which proves that these were applied.
    for (const { ratio } of report.results) expect(ratio).toBeLessThan(1.01);
    await expectNothingLeft();
  }, 180_000);

  it('rejects invalid flags before it starts a process', async () => {
    const { code, stderr } = await launch('--only', 'fastest').ended;
    expect([code, stderr]).toEqual([2, expect.stringContaining('There is no way "fastest".')]);
    await expectNothingLeft();
  }, 20_000);

  it('ends when it is interrupted, and leaves no data or process', async () => {
    const { child, ended } = launch('--only', 'one-after-another', '--out', join(folder, 'none'));
    await eventually('its consumer runs', 90_000, async () => {
      return (await readLogs(temporary)).includes('consumer-1.log');
    });
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('The comparison was ended (SIGINT).')]);
    await expectNothingLeft();
  }, 120_000);
});

/** Lists the log files of the running comparison. */
async function readLogs(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true });
  return names.map((name) => name.split('/').at(-1) ?? '');
}

describe('a comparison that the console starts', () => {
  let pipeline: Pipeline;

  beforeAll(async () => {
    pipeline = await Pipeline.startWith({ TMPDIR: temporary }, '--save-ms', '0..1');
  }, 180_000);

  afterAll(async () => {
    await pipeline.close();
    await rm(pipeline.stack.dataDirectory, { recursive: true, force: true });
  }, 60_000);

  async function request(method: 'GET' | 'POST', path = '', body?: object): Promise<Answer> {
    const response = await fetch(`${pipeline.stack.consoleUrl}/v1/comparison${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  const now = async (): Promise<ComparisonResponse> => (await request('GET')).body;

  it('is idle at first', async () => {
    expect(await request('GET')).toMatchObject({ status: 200, body: { state: 'idle', ways: [], current: null } });
    expect((await request('POST', '/stop')).status).toBe(202);
  });

  it.each([{ orders: 0 }, { orders: 10_001 }, { saveMs: '9..1' }, { saveMs: '0..0' }, { full: 'yes' }, { seed: 1 }])(
    'is rejected with %j',
    async (body) => {
      const answer = await request('POST', '', body);
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid-request']);
      expect((await now()).state).toBe('idle');
    },
  );

  it('runs beside the stack without changing its data, and reports each way as it is measured', async () => {
    const started = await request('POST', '', { orders: 60, saveMs: '0..50' });
    expect(started).toMatchObject({ status: 202, body: { state: 'running', orders: 60, finishedAt: null } });
    const again = await request('POST', '', {});
    expect([again.status, again.body.code]).toEqual([409, 'comparison-runs']);
    await eventually('the ways to measure are known', 60_000, async () => (await now()).ways.length === 10);
    await eventually('a way is measured, and the next one begins', 90_000, async () => {
      const { ways, current } = await now();
      return ways[0]?.seconds !== null && current === ways[1]?.name;
    });
    await eventually('all ways are measured', 150_000, async () => (await now()).state !== 'running');
    const done = await now();
    expect(done).toMatchObject({ state: 'done', current: null, error: null, seed: expect.any(Number) });
    expect(done.ways.map(({ seconds }) => seconds)).not.toContain(null);
    const files = await readdir(join(pipeline.stack.dataDirectory, 'compare'));
    expect(files.toSorted()).toEqual(['compare.json', 'compare.png', 'compare.svg']);
    expect(await pipeline.db.collection('orders').countDocuments()).toBe(0);
    expect(await pipeline.db.collection('operations').countDocuments()).toBe(0);
    await expectNothingLeft();
  }, 300_000);

  it('continues through a restart of the console, and stops on request', async () => {
    expect((await request('POST')).status).toBe(202);
    await eventually('the comparison measures', 90_000, async () => (await now()).current === 'one-after-another');
    process.kill(pipeline.stack.process('console').pid, 'SIGKILL');
    await pipeline.stack.prints(/^console is ready again/, 30_000);
    await eventually(
      'the new console shows the comparison',
      10_000,
      async () => (await now()).current === 'one-after-another',
    );
    expect(await request('POST', '/stop')).toMatchObject({ status: 202, body: { orders: 1_000 } });
    await eventually('the comparison has ended', 30_000, async () => (await now()).state === 'failed');
    expect((await now()).error?.code).toBe('interrupted');
    await expectNothingLeft();
  }, 180_000);

  it('ends with the stack', async () => {
    expect((await request('POST')).status).toBe(202);
    await eventually('its servers start', 30_000, async () => (await processesNaming(temporary)).length > 1);
    expect(await pipeline.stack.stop()).toBe(0);
    await expectNothingLeft();
  }, 90_000);
});
