import type { Command } from 'commander';
import { pause } from '@orders-pipeline/clock';
import type { Pipeline, ScalingDemo } from '#api/console.js';
import { timeLimit } from '#orders/time-limit.js';
import { CliError, EXIT_CODE, type ExitCode } from '../cli-error.js';
import type { CommandContext, Run } from '../environment.js';
import { count, printable } from '../terminal/output.js';

interface DemoOptions {
  readonly ignoreLoad?: boolean;
  readonly json?: true;
}

const PIPELINE_PATH = '/v1/pipeline';
const DEMO_PATH = `${PIPELINE_PATH}/scaling-demo`;
const POLL_INTERVAL_MS = 1_000;
/** How often the console may not report the demo, in a row: `npm start` restarts it, and it restores after its lease of 10 s has ended. */
const MAX_UNKNOWN = timeLimit(20_000) / POLL_INTERVAL_MS;
const MENTIONED_UNKNOWN = 3;
const BAR_WIDTH = 40;

const RUNNING = 'scaling-demo-running';
/** The codes with which a console refuses to start a demo now, or at all. */
const REFUSALS: ReadonlySet<string> = new Set([
  'autoscaling-on',
  'machine-busy',
  'not-restorable',
  'not-scaled-here',
  'pipeline-unknown',
  RUNNING,
  'too-few-partitions',
  'work-under-way',
]);

const TOLERATED: ReadonlySet<string> = new Set(['no-producer', 'connection-broken', 'no-scaling-demo']);

const EXIT_CODES = `
Exit codes:
  0    three consumers save faster than one
  1    they do not, the demo has failed or was interrupted, or no console answers
  2    refused, such as while orders are saved or the machine is busy; or the command line or the credentials are invalid
  3    another client has stopped the demo
  130  Ctrl-C has stopped the demo, and everything is restored`;

/** `scaling-demo`: shows the effect of more consumers of a running `npm start`, through the console. */
export function addScalingDemoCommand(program: Command, run: Run, defaultConsoleUrl: string): void {
  program
    .command('scaling-demo')
    .description(
      'show what more consumers do: 1 and then 3 save test orders with a low in-flight limit, for about a minute; everything is restored',
    )
    .option('--console <url>', 'address of the console (or ORDERS_CONSOLE_URL)', defaultConsoleUrl)
    .option('--ignore-load', "start although other programs use the machine's CPU")
    .option('--json', 'print the result as JSON')
    .addHelpText('after', EXIT_CODES)
    .action(run(showScaling));
}

async function showScaling(context: CommandContext, { ignoreLoad = false, json }: DemoOptions): Promise<ExitCode> {
  const { client, terminal } = context;
  const interrupted = new AbortController();
  // npm passes a Ctrl-C on, so that it arrives twice.
  context.onInterrupt(() => interrupted.abort());
  const { id } = await client.post<ScalingDemo>({ path: DEMO_PATH, json: { ignoreLoad } }).catch(refused);
  const ended = await follow(context, id, interrupted.signal);
  if (ended === null) {
    terminal.err.write(
      'The console was restarted, and no longer reports the demo. It has restored everything, or does so by itself.\n',
    );
    return EXIT_CODE.failed;
  }
  terminal.out.write(json ? `${JSON.stringify(ended)}\n` : resultText(ended));
  if (interrupted.signal.aborted) return EXIT_CODE.interrupted;
  if (ended.status === 'cancelled') return EXIT_CODE.cancelled;
  return ended.status === 'succeeded' && ended.verdict?.outcome === 'faster' ? EXIT_CODE.ok : EXIT_CODE.failed;
}

/**
 * Prints each step until everything is restored. A console that was restarted restores first, and then reports the demo again.
 * @returns `null`: not awaited any longer
 */
async function follow(context: CommandContext, id: string, interrupted: AbortSignal): Promise<ScalingDemo | null> {
  const { terminal, clock } = context;
  let isCancelled = false;
  let shown: ScalingDemo['step'] = null;
  for (let unknown = 0; unknown < MAX_UNKNOWN; await pause(clock, POLL_INTERVAL_MS)) {
    const demo = await find(context, id);
    if (demo !== null && demo.endedAt !== null) return demo;
    if (demo !== null && demo.step !== shown) terminal.err.write(`${stepText(demo)}\n`);
    if (unknown === MENTIONED_UNKNOWN) terminal.err.write('Waiting for the console\n');
    unknown = demo === null ? unknown + 1 : 0;
    shown = demo?.step ?? shown;
    if (interrupted.aborted && !isCancelled) isCancelled = await cancel(context);
  }
  return null;
}

/** @returns `null`: the console does not answer, or does not report this demo */
async function find({ client }: CommandContext, id: string): Promise<ScalingDemo | null> {
  const pipeline = await client.get<Pipeline>(PIPELINE_PATH).catch(tolerated);
  const demo = pipeline?.scalingDemo ?? null;
  return demo?.id === id ? demo : null;
}

/** @returns whether the console has received it */
async function cancel({ client, terminal }: CommandContext): Promise<boolean> {
  terminal.err.write('Stopping the demo\n');
  return (await client.post<ScalingDemo>({ path: `${DEMO_PATH}/cancel` }).catch(tolerated)) !== undefined;
}

/** While the demo runs the console may be restarted, and a demo may end just before it is stopped. */
function tolerated(error: unknown): undefined {
  if (error instanceof CliError && TOLERATED.has(error.code)) return undefined;
  throw error;
}

function stepText({ step, limit, orders }: ScalingDemo): string {
  switch (step) {
    case 'prepare':
      return `Setting 1 consumer, with at most ${count(limit)} orders in flight`;
    case 'populate':
      return `Generating ${count(orders)} test orders`;
    case 'measure':
      return 'Measuring 1 consumer, which takes about 15 s';
    case 'scale':
      return 'Scaling to 3 consumers, and waiting for the verdict, which takes about 20 s';
    case 'restore':
    case null:
      return 'Restoring the number of consumers and the in-flight limit';
  }
}

function resultText({ before, after, verdict, error, status }: ScalingDemo): string {
  if (error?.code === 'not-restored') return `${printable(error.message)} The in-flight limit is restored.\n`;
  if (verdict === null) return `No verdict: ${printable(error?.message ?? status)} Everything is restored.\n`;
  const rates = [
    ['1 consumer', before],
    ['3 consumers', after],
  ] as const;
  const most = Math.max(1, before ?? 0, after ?? 0);
  const bars = rates.map(([name, rate]) => {
    const bar = '#'.repeat(Math.round((BAR_WIDTH * (rate ?? 0)) / most));
    return `${name.padEnd(11)}  ${count(rate).padStart(7)} saved/s  ${bar}\n`;
  });
  return `${bars.join('')}${printable(verdict.text)}. Everything is restored.\n`;
}

/** @throws CliError with exit code 2 for a refusal: nothing has changed */
function refused(error: unknown): never {
  if (!(error instanceof CliError) || !REFUSALS.has(error.code)) throw error;
  // The answer to the first request may be lost: its demo is then the one that runs.
  const hint = error.code === RUNNING ? 'Its state is in the console.' : 'Nothing was changed.';
  throw new CliError(error.code, error.message, hint, { exitCode: EXIT_CODE.pending, cause: error });
}
