import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { systemClock } from '@orders-pipeline/clock';
import { runCommandLine } from '../../apps/cli/src/command-line.js';
import { RecordedStream } from '../../apps/cli/src/testing/command-line-run.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { eventually } from '../support/eventually.js';
import { legacyPairs } from '../support/sent-orders.js';
import { judged } from '../support/started-app.js';
import { TestSystem } from '../support/test-system.js';

const SCRIPT = join(PROJECT_DIRECTORY, 'dist/apps/cli/src/main.js');

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** @param shared returns the pipeline that these specs share with others */
export function commandLineSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;

  beforeAll(async () => {
    pipeline = shared();
  });

  /** Begins a command in this process, without a TTY. */
  function begin(...args: string[]) {
    const [out, err] = [new RecordedStream(), new RecordedStream()];
    const ended = runCommandLine(args, {
      env: { ORDERS_URL: pipeline.producerUrl },
      terminal: { out, err },
      clock: systemClock,
      workingDirectory: pipeline.dataDirectory,
      onInterrupt: () => undefined,
    });
    return { err, ended: ended.then((code): Run => ({ code, out: out.text, err: err.text })) };
  }

  /** Begins the script as npm does, but without a TTY and without this machine's `.env`. */
  function beginProcess(...args: string[]) {
    const child = spawn(process.execPath, [SCRIPT, ...args], {
      cwd: pipeline.dataDirectory,
      env: { ...process.env, ORDERS_URL: pipeline.producerUrl },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err] = [new RecordedStream(), new RecordedStream()];
    child.stdout.on('data', (chunk: Buffer) => out.write(chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => err.write(chunk.toString()));
    const ended = new Promise<Run>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, out: out.text, err: err.text }));
    });
    return { child, err, ended };
  }

  async function orders(...args: string[]): Promise<Run> {
    return begin(...args).ended;
  }

  async function json<T>(...args: string[]): Promise<T> {
    const { code, out, err } = await orders(...args, '--json');
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err}`);
    return JSON.parse(out) as T;
  }

  it('populates and watches until all orders are saved', async () => {
    const { code, out, err } = await orders('populate', '3000', '--seed', '7', '--accounts', '50', '--watch', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ status: 'succeeded', seed: 7, acked: 3_000, saved: 3_000 });
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/^3,000 of 3,000 saved$/);
    expect(err).not.toContain('\r');
  });

  it('starts one operation per key, even if the command is repeated', async () => {
    const first = await json<OperationResponse>('populate', '7', '--key', 'once');
    const again = await json<OperationResponse>('populate', '7', '--key', 'once');
    expect(again.id).toBe(first.id);
    const other = await orders('populate', '8', '--key', 'once');
    expect([other.code, other.out]).toEqual([2, '']);
    expect(other.err).toContain('(idempotency-key-reused)');
    await pipeline.allSaved(first.id);
  });

  it('pauses, resumes and cancels; a cancelled watch exits with code 3', async () => {
    const { id } = await json<OperationResponse>('populate', '1000000', '--rate', '2000', '--chunk-size', '100');
    // A request that is pending after 2 s returns the running operation; it can be repeated.
    await eventually('the operation is paused', async () => {
      const operation = await json<OperationResponse>('pause', id);
      return operation.status === 'paused' || operation;
    });
    expect((await orders('operations', '--status', 'paused')).out).toContain(id);
    expect(await json('resume', id)).toMatchObject({ id, status: 'running' });
    const watch = begin('watch', id);
    await eventually('the watch shows progress', () => watch.err.text.includes('of 1,000,000 saved'));
    await eventually('the operation is cancelled', async () => {
      const cancelled = await orders('cancel', id);
      expect(cancelled.code).toBe(0);
      return /^state +cancelled at \d+ %, /m.test(cancelled.out) || cancelled;
    });
    const { code, out } = await watch.ended;
    expect(code).toBe(3);
    expect(out).toMatch(/^state +cancelled at \d+ %, all of it saved$/m);
    const resumed = await orders('resume', id);
    expect([resumed.code, resumed.out]).toEqual([1, '']);
    expect(resumed.err).toContain('(operation-ended)');
  });

  it('continues to watch after a kill of the producer, and Ctrl-C ends only the watch', async () => {
    const { id } = await json<OperationResponse>('populate', '1000000', '--rate', '1500');
    const patient = begin('watch', id, '--json');
    const impatient = beginProcess('operation', id, '--watch');
    for (const { err: shown } of [patient, impatient])
      await eventually('the watch shows progress', () => shown.text.includes('of 1,000,000 saved'));
    impatient.child.kill('SIGINT');
    const { code, out, err } = await impatient.ended;
    expect([code, out]).toEqual([130, '']);
    expect(err).toContain(`npm run orders -- cancel ${id}`);
    await pipeline.killProducer();
    await pipeline.expireLeases();
    const { acked } = await pipeline.operation(id);
    await eventually('publishing goes on', async () => (await pipeline.operation(id)).acked > acked);
    await eventually('it is cancelled', async () => (await orders('cancel', id)).code === 0);
    const watched = await patient.ended;
    expect(watched.code).toBe(3);
    expect(JSON.parse(watched.out)).toMatchObject({ id, status: 'cancelled' });
  });

  it('lists operations newest first, and shows each', async () => {
    const older = await json<OperationResponse>('populate', '25');
    const { id } = await json<OperationResponse>('populate', '1234');
    for (const each of [older.id, id]) await pipeline.allSaved(each);
    const listed = await json<OperationResponse[]>('operations', '--all', '--kind', 'populate');
    const ids = listed.map((operation) => operation.id);
    expect(ids.slice(0, 2)).toEqual([id, older.id]);
    expect(ids).toEqual(ids.toSorted().toReversed());
    const table = await orders('operations');
    expect(table.out.split('\n')[0]).toMatch(/^operation +kind +state +orders +sent +saved +dead letters +requested$/);
    expect(table.out).toMatch(new RegExp(`^${id} +populate +all saved +1,234 +1,234 +1,234 +0 `, 'm'));
    const { code, out } = await orders('operation', id);
    expect(code).toBe(0);
    expect(out).toMatch(/^saved +1,234$/m);
  });

  it('imports a folder once, lists its rejects, and reconciles it', async () => {
    const folder = join(pipeline.dataDirectory, 'chunks');
    await mkdir(folder);
    await writeFile(join(folder, 'a.json'), JSON.stringify([...legacyPairs(50), { id: 'x', number: 1 }]));
    await writeFile(join(folder, 'b.json'), 'no JSON');
    const first = await orders('import', folder, '--watch');
    expect(first.code).toBe(0);
    expect(first.out).toMatch(/^saved +50$/m);
    expect(first.out).toMatch(/^files +2: 0 imported before, 1 rejected$/m);
    expect(first.out).toMatch(/^rows +51: 50 accepted, 0 saved before, 0 conflicting, 1 malformed$/m);
    const id = /^operation +(.+)$/m.exec(first.out)?.[1] ?? '';
    const rejects = await orders('rejects', id);
    expect(rejects.out.split('\n')).toEqual([
      expect.stringMatching(/^b\.json not-json: /),
      expect.stringMatching(/^a\.json row 50 \(byte \d+\) not-a-uuid: .*: \{"id":"x","number":1\}$/),
      '',
    ]);
    const again = await orders('import', folder, '--watch');
    expect([again.code, again.out]).toEqual([0, expect.stringMatching(/^files +2: 1 imported before, 1 rejected$/m)]);
    await judged(pipeline, id);
    const report = await orders('reconcile', id);
    expect([report.code, report.out]).toEqual([0, expect.stringMatching(/^OK: /m)]);
  });

  it('populates with faults, all of which reconcile finds', async () => {
    const faults = ['--poison', '0.02', '--oversized', '0.01', '--duplicate', '0.05', '--conflict', '0.02'];
    const { id, status } = await json<OperationResponse>('populate', '2000', ...faults, '--watch');
    expect(status).toBe('succeeded');
    await judged(pipeline, id);
    const report = await json<ReconcileReport>('reconcile', id);
    expect(report).toMatchObject({ verdict: 'holds', acked: 2_000, missing: 0 });
    expect(report.faults?.found).toEqual(report.faults?.expected);
    expect(report.deadLettered).toBeGreaterThan(0);
  });

  it('reports errors, with an exit code for each kind', async () => {
    const tooMany = await orders('populate', '10000001', '--accounts', '0');
    expect([tooMany.code, tooMany.out]).toEqual([2, '']);
    expect(tooMany.err).toMatch(/\(invalid-request\)\n {2}count must .+\n {2}accounts must .+\n$/);
    const status = await orders('operations', '--status', 'done');
    expect([status.code, status.err]).toEqual([
      2,
      expect.stringMatching(/^status must be one of .+, got "done" \(invalid-request\)$/m),
    ]);
    const unknown = '01935c9e-8a00-7000-8000-000000000009';
    for (const command of ['operation', 'watch', 'pause']) {
      const { code, out, err } = await orders(command, unknown);
      expect([command, code, out]).toEqual([command, 1, '']);
      expect(err).toContain(`There is no operation ${unknown}. (not-found)`);
    }
    const unreachable = await orders('operations', '--url', 'http://127.0.0.1:1');
    expect(unreachable.code).toBe(1);
    expect(unreachable.err).toMatch(
      /^No producer answers at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\): start one with `npm start`/,
    );
  });
}
