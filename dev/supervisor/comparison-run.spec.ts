import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ComparisonRun, type ComparisonEvent } from './comparison-run.js';

/** A process that the spec controls. */
class ManualChild extends EventEmitter {
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly signals: string[] = [];

  kill(signal: string): void {
    this.signals.push(signal);
  }
}

const REQUEST = { orders: 60, saveMs: '0..50', full: false };
const folders: string[] = [];

function setUp() {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'comparison-run-'));
  folders.push(dataDirectory);
  const children: ManualChild[] = [];
  const flags: (readonly string[])[] = [];
  const sent: ComparisonEvent[] = [];
  const run = new ComparisonRun({
    dataDirectory,
    env: {},
    print: () => undefined,
    send: (event) => void sent.push(event),
    launch: (given) => {
      flags.push(given);
      const child = new ManualChild();
      children.push(child);
      return child as unknown as ChildProcess;
    },
  });
  return { run, children, flags, sent, dataDirectory };
}

/** Waits until everything has run that needs no external event. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe('a comparison beside a stack', () => {
  it('is started with the requested options, and writes its charts to the data folder of the stack', async () => {
    const { run, flags, dataDirectory } = setUp();
    run.start({ ...REQUEST, full: true });
    await settled();
    const out = join(dataDirectory, 'compare');
    expect(flags).toEqual([['--orders', '60', '--save-ms', '0..50', '--out', out, '--full']]);
  });

  it('runs only once at a time: a second request receives the state of the running one', async () => {
    const { run, children, sent } = setUp();
    run.start(REQUEST);
    await settled();
    const event = { type: 'comparison', comparison: { state: 'running' } } as const;
    children[0]?.emit('message', event);
    run.start(REQUEST);
    expect([children.length, sent]).toEqual([1, [event, event]]);
    children[0]?.emit('close', 0, null);
    await settled();
    run.start(REQUEST);
    await settled();
    expect(children).toHaveLength(2);
  });

  it('restarts after one has reported its end, as soon as its process has ended', async () => {
    const { run, children, sent } = setUp();
    run.start(REQUEST);
    await settled();
    const done = { type: 'comparison', comparison: { state: 'done' } } as const;
    children[0]?.emit('message', done);
    run.start(REQUEST);
    await settled();
    expect(children).toHaveLength(1);
    children[0]?.emit('close', 0, null);
    await settled();
    expect([children.length, sent]).toEqual([2, [done]]);
    run.start(REQUEST);
    await settled();
    expect(children).toHaveLength(2);
  });

  it('forwards its messages unchanged, and again on request', async () => {
    const { run, children, sent } = setUp();
    run.sendLatest();
    run.start(REQUEST);
    await settled();
    const done = { type: 'comparison', comparison: { state: 'done', ways: [1] } } as const;
    children[0]?.emit('message', done);
    children[0]?.emit('message', { type: 'listening' });
    children[0]?.emit('close', 0, null);
    await settled();
    run.sendLatest();
    expect(sent).toEqual([done, done]);
  });

  it('reports a process that ended without a report', async () => {
    const { run, children, sent } = setUp();
    run.start(REQUEST);
    await settled();
    children[0]?.emit('message', { type: 'comparison', comparison: { state: 'running' } });
    children[0]?.emit('close', null, 'SIGKILL');
    await settled();
    const error = { code: 'comparison-ended', message: expect.stringContaining('SIGKILL') };
    expect(sent.at(-1)).toEqual({ type: 'comparison-ended', error });
  });

  it('is reported without log lines if the log is empty', async () => {
    const { run, children, sent } = setUp();
    run.start(REQUEST);
    await settled();
    run.stop();
    children[0]?.emit('close', null, 'SIGTERM');
    await settled();
    const error = { code: 'interrupted', message: 'The comparison was stopped: SIGTERM' };
    expect(sent).toEqual([{ type: 'comparison-ended', error }]);
  });

  it('receives one SIGTERM for any number of stop requests; the stack waits for its end and starts no other', async () => {
    const { run, children } = setUp();
    run.stop();
    run.start(REQUEST);
    await settled();
    run.stop();
    run.stop();
    let isClosed = false;
    const closing = run.close(60_000).then(() => (isClosed = true));
    expect(children[0]?.signals).toEqual(['SIGTERM']);
    await settled();
    expect(isClosed).toBe(false);
    children[0]?.emit('close', 1, null);
    await closing;
    run.start(REQUEST);
    await settled();
    expect(children).toHaveLength(1);
  });

  it('does not start if it is stopped before, and reports that', async () => {
    const { run, children, sent } = setUp();
    run.start(REQUEST);
    run.stop();
    await settled();
    const error = { code: 'interrupted', message: expect.stringContaining('before it began') };
    expect([children, sent]).toEqual([[], [{ type: 'comparison-ended', error }]]);
    run.start(REQUEST);
    await settled();
    expect(children).toHaveLength(1);
  });

  it('is killed if it does not end in time', async () => {
    const { run, children } = setUp();
    run.start(REQUEST);
    await settled();
    const child = children[0];
    child?.on('killed', () => child.emit('close', null, 'SIGKILL'));
    const kill = child?.kill.bind(child);
    if (child) child.kill = (signal) => (kill?.(signal), void (signal === 'SIGKILL' && child.emit('killed')));
    await run.close(1);
    expect(child?.signals).toEqual(['SIGTERM', 'SIGKILL']);
  });
});
