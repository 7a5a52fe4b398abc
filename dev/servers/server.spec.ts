import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, settle } from '@orders-pipeline/clock/testing';
import { StackError } from '../stack-error.js';
import { RestartBackoff, WELL_AFTER_MS } from '../machine/restarts.js';
import { type ServerProcess, type ServerEnvironment, Server } from './server.js';

const LONG_MS = 120_000;

/** A process that ends when a spec calls `dies`, or on a signal that it doesn't ignore. */
class FakeProcess implements ServerProcess {
  hasEnded = false;
  readonly signals: NodeJS.Signals[] = [];
  private readonly end = Promise.withResolvers<string>();
  readonly ended = this.end.promise;

  constructor(private readonly ignores?: NodeJS.Signals) {}

  dies(ending = 'SIGKILL'): void {
    this.hasEnded = true;
    this.end.resolve(ending);
  }

  kill(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    if (signal !== this.ignores) this.dies(signal);
  }
}

const serves = async (): Promise<void> => Promise.resolve();
const servesNot = async (): Promise<void> => Promise.reject(new Error('not yet'));
const hangs = async (): Promise<void> => new Promise(() => undefined);

describe('a server', () => {
  let clock: ManualClock;
  let launched: FakeProcess[];
  let lines: string[];
  let server: Server;
  /** The behaviour of the next probes and preparations. */
  let probe: () => Promise<void>;
  let prepare: () => Promise<void>;
  let ignored: NodeJS.Signals | undefined;

  beforeEach(() => {
    clock = new ManualClock();
    launched = [];
    lines = [];
    probe = serves;
    prepare = async () => Promise.resolve();
    ignored = undefined;
    const program = {
      name: 'MongoDB-1',
      logFile: '/nowhere/mongodb-1.log',
      prepare: async () => prepare(),
      command: () => ({ file: 'mongod', args: [] }),
      probe: async () => probe(),
    };
    const launch = (): ServerProcess => {
      const process = new FakeProcess(ignored);
      launched.push(process);
      return process;
    };
    const report = (line: string): void => void lines.push(line);
    const events = { onEnded: report, onRecovered: report };
    server = new Server(program, {} as ServerEnvironment, events, { clock, random: () => 0, launch });
  });

  /** Ends the newest process and expects the restart after the delay. */
  async function dies(delayMs: number): Promise<void> {
    const processes = launched.length;
    launched.at(-1)?.dies();
    await clock.advance(delayMs - 1);
    expect(launched).toHaveLength(processes);
    await clock.advance(1);
    await settle();
    expect(launched).toHaveLength(processes + 1);
  }

  it('is restarted without limit once it has served, even when it ends before it serves again, with a growing delay', async () => {
    await server.start();
    probe = servesNot;
    for (const delayMs of [500, 1_000, 2_000, 4_000, 8_000]) await dies(delayMs);
    for (let restart = 0; restart < 50; restart += 1) await dies(10_000);
    expect(lines.at(-1)).toBe('MongoDB-1 ended, restarting: ending="SIGKILL" attempt=55 delayMs=10000');
  });

  it('reports that it serves again, and resets the delay once it has served for a minute', async () => {
    await server.start();
    probe = servesNot;
    await dies(500);
    probe = serves;
    await dies(1_000);
    await settle();
    expect(lines.at(-1)).toBe('MongoDB-1 serves again: downMs=1500');
    await clock.advance(60_000);
    await dies(500);
  });

  it('is restarted when its preparation or its launch fails', async () => {
    await server.start();
    prepare = async () => Promise.reject(new Error('ENOSPC'));
    launched[0]?.dies();
    await clock.advance(LONG_MS);
    expect(lines.at(-1)).toContain('ending="Error: ENOSPC"');
    prepare = async () => Promise.resolve();
    await clock.advance(10_000);
    expect(launched).toHaveLength(2);
  });

  it('may take longer than a minute to serve again', async () => {
    await server.start();
    probe = servesNot;
    await dies(500);
    await clock.advance(LONG_MS);
    probe = serves;
    await clock.advance(100);
    expect(lines.at(-1)).toBe('MongoDB-1 serves again: downMs=120600');
    expect(launched).toHaveLength(2);
  });

  it('does not wait for a hanging probe when its process ends', async () => {
    await server.start();
    probe = hangs;
    await dies(500);
    await dies(1_000);
    expect(lines).toHaveLength(2);
  });

  it('fails its first start at once if it ends before it serves, and is not restarted', async () => {
    probe = servesNot;
    const started = server.start();
    await settle();
    launched[0]?.dies('exit code 48');
    await expect(started).rejects.toThrow('MongoDB-1 ended before it served (exit code 48)');
    await clock.advance(LONG_MS);
    expect([launched.length, lines]).toEqual([1, []]);
  });

  it('fails its first start if another program responded in its place', async () => {
    const started = server.start();
    launched[0]?.dies('exit code 48');
    probe = async () => launched[0]?.dies('exit code 48');
    await expect(started).rejects.toThrow('MongoDB-1 ended before it served (exit code 48)');
  });

  it('fails its first start after five minutes, or at once for a final error', async () => {
    probe = servesNot;
    const late = server.start().catch(String);
    await clock.advance(300_000);
    expect(await late).toContain('MongoDB-1 did not serve within 300 s (Error: not yet)');
    await server.stop(0);
    const final = new StackError('server-failed', 'another cluster', 'choose another port');
    probe = async () => Promise.reject(final);
    await expect(server.start()).rejects.toBe(final);
    await server.stop(0);
    prepare = async () => Promise.reject(final);
    await expect(server.start()).rejects.toBe(final);
  });

  it('stops during the delay before a restart, and is not started again', async () => {
    await server.start();
    launched[0]?.dies();
    await settle();
    await server.stop(LONG_MS);
    await clock.advance(LONG_MS);
    expect(launched).toHaveLength(1);
  });

  it('stops during a restart: while it is prepared, and before it serves', async () => {
    await server.start();
    const prepared = Promise.withResolvers<void>();
    prepare = async () => prepared.promise;
    launched[0]?.dies();
    await clock.advance(500);
    const stopped = server.stop(LONG_MS);
    prepared.resolve();
    await stopped;
    expect(launched).toHaveLength(1);
    await server.start();
    probe = hangs;
    await dies(500);
    await server.stop(LONG_MS);
    expect(launched.at(-1)?.signals).toEqual(['SIGTERM']);
    await clock.advance(LONG_MS);
    expect(launched).toHaveLength(3);
  });

  it('is killed if it does not end within the budget', async () => {
    ignored = 'SIGTERM';
    await server.start();
    const stopped = server.stop(9_000);
    await clock.advance(9_000);
    await stopped;
    expect(launched[0]?.signals).toEqual(['SIGTERM', 'SIGKILL']);
  });
});

describe('the delay before a restart', () => {
  it('starts over after the process ran well for a minute, and not before', () => {
    const backoff = new RestartBackoff(() => 0);
    const wellMs = [0, 0, WELL_AFTER_MS - 1, WELL_AFTER_MS, 0];
    expect(wellMs.map((each) => backoff.next(each).delayMs)).toEqual([500, 1_000, 2_000, 500, 1_000]);
  });

  it('is shortened by a random part of up to half', () => {
    expect([0, 0.5, 1].map((draw) => new RestartBackoff(() => draw).next(0).delayMs)).toEqual([500, 375, 250]);
  });
});
