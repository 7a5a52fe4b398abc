import type { Command } from 'commander';
import { pause } from '@orders-pipeline/clock';
import { timeLimit } from '#orders/time-limit.js';
import { EXIT_CODE, type ExitCode } from '../cli-error.js';
import type { CommandContext, Run } from '../environment.js';
import type { ProducerClient } from '../producer/producer-client.js';
import { count, printable, type Terminal } from '../terminal/output.js';
import { wholeNumber } from './option-values.js';

/** What this command reads of the console's API. */
interface Scaling {
  readonly count: number;
  readonly idle: number | null;
}

interface Change {
  /** When the console detected it; no two changes have the same time. */
  readonly at: string;
  readonly kind: string;
  readonly to?: { readonly consumers: number } | null;
  readonly before?: number | null;
  readonly after?: number | null;
  /** `null`: still being measured. */
  readonly verdict?: { readonly text: string } | null;
}

interface Pipeline {
  /** A consumer without figures no longer sends heartbeats. */
  readonly consumers?: readonly { readonly inFlight?: number | null }[] | null;
  readonly changes: readonly Change[];
  /** The requested number of consumers, until that many run. */
  readonly scaling?: unknown;
}

interface ScaleOptions {
  readonly watch?: true;
  readonly json?: true;
}

const PIPELINE_PATH = '/v1/pipeline';
const POLL_INTERVAL_MS = 1_000;
/** A verdict takes 11 s after the consumers have settled. */
const MAX_POLLS = timeLimit(90_000) / POLL_INTERVAL_MS;

const SCALE_EXIT_CODES = `
Exit codes:
  0  requested; with --watch: the effect is printed, or so many consumers were running already
  1  no console answers; with --watch: no effect was measured, such as without orders to save
  2  the command line, the request or the credentials are invalid`;

/** `scale COUNT`: starts or drains consumers of a running `npm start`, through the console. */
export function addScaleCommand(program: Command, run: Run, defaultConsoleUrl: string): void {
  program
    .command('scale')
    .description('set the number of consumers of a running `npm start`: it starts or drains consumers')
    .argument('<count>', 'number of consumer processes, 1 to 64', wholeNumber)
    .option('--console <url>', 'address of the console (or ORDERS_CONSOLE_URL)', defaultConsoleUrl)
    .option('--watch', 'wait for the effect on the save rate, as the console measures it, and print it')
    .option('--json', 'print the response as JSON; with --watch, the effect')
    .addHelpText('after', SCALE_EXIT_CODES)
    .action(
      run(async (context, wanted: number, { watch, json }: ScaleOptions) =>
        watch ? scaleAndWatch(context, wanted, json) : scale(context, wanted, json),
      ),
    );
}

async function scale({ client, terminal }: CommandContext, wanted: number, json?: true): Promise<ExitCode> {
  const answer = await requestScaling(client, wanted);
  const consumers = answer.count === 1 ? 'consumer' : 'consumers';
  terminal.out.write(json ? `${JSON.stringify(answer)}\n` : `Scaling to ${answer.count} ${consumers}.\n`);
  warnOfIdle(terminal, answer.idle);
  return EXIT_CODE.ok;
}

/** Scales, and waits for the verdict of the console, which always observes the pipeline. */
async function scaleAndWatch(
  { client, terminal, clock }: CommandContext,
  wanted: number,
  json?: true,
): Promise<ExitCode> {
  const before = await client.get<Pipeline>(PIPELINE_PATH);
  const { idle } = await requestScaling(client, wanted);
  warnOfIdle(terminal, idle);
  if (isAtRest(before) && runningConsumers(before) === wanted) {
    terminal.out.write(json ? 'null\n' : `Already ${wanted} consumer${wanted === 1 ? '' : 's'}: nothing changed.\n`);
    return EXIT_CODE.ok;
  }
  terminal.err.write('Measuring the effect, which takes about 20 s\n');
  const earlier = new Set(scalingsOf(before).flatMap(({ at, verdict }) => (verdict ? at : [])));
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    await pause(clock, POLL_INTERVAL_MS);
    const scalings = scalingsOf(await client.get<Pipeline>(PIPELINE_PATH));
    const change = scalings.findLast(({ at, to }) => to?.consumers === wanted && !earlier.has(at));
    if (!change?.verdict) continue;
    const { before: rateBefore, after, verdict } = change;
    const isMeasured = typeof rateBefore === 'number' && typeof after === 'number';
    const rates = isMeasured ? ` (saved/s ${count(rateBefore)} before, ${count(after)} after)` : '';
    terminal.out.write(json ? `${JSON.stringify(change)}\n` : `${printable(verdict.text)}${rates}\n`);
    return EXIT_CODE.ok;
  }
  terminal.err.write(`The console reported no effect within ${MAX_POLLS} s.\n`);
  return EXIT_CODE.failed;
}

function scalingsOf({ changes }: Pipeline): Change[] {
  return changes.filter(({ kind }) => kind === 'scaling');
}

/** Whether no scaling is requested or being measured. */
function isAtRest(pipeline: Pipeline): boolean {
  return (pipeline.scaling ?? null) === null && scalingsOf(pipeline).every(({ verdict }) => verdict);
}

/** Counts the consumers that send heartbeats. @returns `undefined`: unknown */
function runningConsumers({ consumers }: Pipeline): number | undefined {
  return consumers?.filter(({ inFlight }) => typeof inFlight === 'number').length;
}

async function requestScaling(client: ProducerClient, wanted: number): Promise<Scaling> {
  return client.post({ path: `${PIPELINE_PATH}/consumers`, json: { count: wanted } });
}

function warnOfIdle(terminal: Terminal, idle: number | null): void {
  if (idle === null || idle === 0) return;
  terminal.err.write(
    `${idle} of them ${idle === 1 ? 'is' : 'are'} idle: a partition is assigned to only one consumer.\n`,
  );
}
