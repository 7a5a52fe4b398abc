import { describe, expect, it } from '@jest/globals';
import type { ScalingDemo } from '#api/console.js';
import { breaks, inTurn, json, problem, type Answerer } from '../testing/local-servers.js';
import { runOrders, type CommandLineRun } from '../testing/command-line-run.js';

const POLL = 'GET /console/v1/pipeline';
const START = 'POST /console/v1/pipeline/scaling-demo';
const CANCEL = `${START}/cancel`;

const DEMO: ScalingDemo = {
  id: '01a20e65-570e-4570-bea6-26988d69d3a0',
  startedAt: '2026-01-31T12:00:00.000Z',
  endedAt: null,
  status: 'running',
  step: 'prepare',
  limit: 500,
  orders: 80_000,
  operationId: null,
  before: null,
  after: null,
  verdict: null,
  error: null,
};
const ENDED: ScalingDemo = {
  ...DEMO,
  endedAt: '2026-01-31T12:00:35.000Z',
  status: 'succeeded',
  step: null,
  before: 1_000,
  after: 3_000,
  verdict: { outcome: 'faster', factor: 3, bound: null, text: '3.00 times the throughput' },
};
const STOPPED: ScalingDemo = {
  ...ENDED,
  status: 'cancelled',
  before: null,
  after: null,
  verdict: null,
  error: { code: 'stopped', message: 'The demo was stopped.' },
};

/** The state of the pipeline with this demo. */
function reporting(scalingDemo: object | null): Answerer {
  return json({ scalingDemo });
}

/** Runs the command against a console that starts a demo, and then gives these answers; the last one repeats. */
async function shown(flags: string, ...answers: readonly Answerer[]): Promise<CommandLineRun> {
  return runOrders(`scaling-demo${flags}`, inTurn(json(DEMO, 202), ...answers));
}

describe('the scaling demo of the command line', () => {
  it('prints each step, then both rates and the verdict', async () => {
    const steps = (['prepare', 'populate', 'measure', 'measure', 'scale', 'restore'] as const).map((step) =>
      reporting({ ...DEMO, step }),
    );
    const run = await shown('', reporting(null), ...steps, reporting(ENDED));
    expect(run.err.split('\n')).toEqual([
      'Setting 1 consumer, with at most 500 orders in flight',
      'Generating 80,000 test orders',
      expect.stringMatching(/^Measuring 1 consumer/),
      expect.stringMatching(/^Scaling to 3 consumers/),
      'Restoring the number of consumers and the in-flight limit',
      '',
    ]);
    expect(run.out.split('\n')).toEqual([
      `1 consumer     1,000 saved/s  ${'#'.repeat(13)}`,
      `3 consumers    3,000 saved/s  ${'#'.repeat(40)}`,
      '3.00 times the throughput. Everything is restored.',
      '',
    ]);
    expect([run.exitCode, run.requests.slice(0, 2), run.bodies]).toEqual([0, [START, POLL], [{ ignoreLoad: false }]]);
  });

  it('prints the demo as JSON, and starts on a busy machine on request', async () => {
    const run = await shown(' --json --ignore-load', reporting(ENDED));
    expect([JSON.parse(run.out), run.bodies]).toEqual([ENDED, [{ ignoreLoad: true }]]);
  });

  it.each<[string, Partial<ScalingDemo>, number, RegExp]>([
    [
      'do not help',
      { verdict: { outcome: 'no-gain', factor: 1, bound: 'cpu', text: '1.00 times the throughput, no gain' } },
      1,
      /no gain\. Everything is restored/,
    ],
    [
      'were not measured',
      { ...STOPPED, status: 'failed', error: { code: 'no-verdict', message: 'Too little to save.' } },
      1,
      /^No verdict: Too little to save\. Everything is restored\.\n$/,
    ],
    ['were stopped by another client', STOPPED, 3, /^No verdict: The demo was stopped/],
    [
      'were interrupted',
      { ...STOPPED, status: 'interrupted', error: { code: 'console-stopped', message: 'The console was stopped.' } },
      1,
      /^No verdict: The console was stopped/,
    ],
    [
      'helped, and the number of consumers was not restored',
      { status: 'failed', error: { code: 'not-restored', message: 'Set it to 20.' } },
      1,
      /^Set it to 20\. The in-flight limit is restored\.\n$/,
    ],
  ])('ends with a code of its own when more consumers %s', async (_, end, exitCode, out) => {
    const run = await shown('', reporting({ ...ENDED, ...end }));
    expect([run.exitCode, run.out]).toEqual([exitCode, expect.stringMatching(out)]);
  });

  it.each([
    ['autoscaling-on', 'Nothing was changed.'],
    ['machine-busy', 'Nothing was changed.'],
    ['not-restorable', 'Nothing was changed.'],
    ['not-scaled-here', 'Nothing was changed.'],
    ['pipeline-unknown', 'Nothing was changed.'],
    ['scaling-demo-running', 'Its state is in the console.'],
    ['too-few-partitions', 'Nothing was changed.'],
    ['work-under-way', 'Nothing was changed.'],
  ])('ends with 2 when the console refuses to start with %s', async (code, hint) => {
    const run = await runOrders('scaling-demo', problem(409, code));
    expect([run.exitCode, run.out, run.err]).toEqual([2, '', `It is ${code}. (${code})\n${hint}\n`]);
    expect(run.requests).toEqual([START]);
  });

  it.each([
    [403, 'insufficient-scope'],
    [503, 'service-away'],
  ])('ends with 1 for another refusal, %i %s', async (status, code) => {
    expect(await runOrders('scaling-demo', problem(status, code))).toMatchObject({ exitCode: 1, requests: [START] });
  });

  it('waits for a console that restarts, which restores and reports the demo again', async () => {
    const run = await shown('', reporting(DEMO), breaks, breaks, breaks, breaks, reporting(null), reporting(STOPPED));
    expect([run.exitCode, run.out]).toEqual([3, expect.stringMatching(/The demo was stopped/)]);
  });

  it('does not wait for ever for a console that no longer reports the demo', async () => {
    const run = await shown('', reporting(DEMO), reporting({ ...ENDED, id: 'another' }));
    expect([run.exitCode, run.out]).toEqual([1, '']);
    expect(run.err).toContain('It has restored everything, or does so by itself.');
  });

  it('stops the demo at Ctrl-C, which npm passes on a second time, and waits until everything is restored', async () => {
    const pressed = Promise.withResolvers<void>();
    let isStopped = false;
    const answer: Answerer = (request, response, at) => {
      if (request.url === '/console/v1/pipeline') pressed.resolve();
      if (request.url?.endsWith('/cancel') === true) isStopped = true;
      const demo = isStopped ? reporting(at > 5 ? STOPPED : { ...DEMO, step: 'restore' }) : reporting(DEMO);
      return (request.method === 'POST' ? json(DEMO, 202) : demo)(request, response, at);
    };
    const run = await runOrders('scaling-demo', answer, { interrupted: pressed.promise });
    expect([run.exitCode, run.out]).toEqual([130, 'No verdict: The demo was stopped. Everything is restored.\n']);
    expect(run.requests.filter((request) => request === CANCEL)).toHaveLength(1);
    expect(run.err).toMatch(/Stopping the demo\nRestoring/);
  });

  it('ends when the demo does so just before Ctrl-C stops it', async () => {
    const pressed = Promise.withResolvers<void>();
    const late: Answerer = (request, response, at) => {
      pressed.resolve();
      const isCancel = request.url?.endsWith('/cancel') === true;
      return (isCancel ? problem(409, 'no-scaling-demo') : reporting(at > 3 ? ENDED : DEMO))(request, response, at);
    };
    const answer: Answerer = (request, ...rest) =>
      (request.url?.endsWith('/scaling-demo') ? json(DEMO, 202) : late)(request, ...rest);
    const run = await runOrders('scaling-demo', answer, { interrupted: pressed.promise });
    expect([run.exitCode, run.out]).toEqual([130, expect.stringContaining('3.00 times')]);
  });
});
