import type { Command } from 'commander';
import { pause, type Clock } from '@orders-pipeline/clock';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import type { ProducerClient } from '../producer/producer-client.js';
import { count } from '../terminal/figures.js';
import { printable } from '../terminal/printable.js';
import type { Terminal } from '../terminal/terminal.js';
import { wholeNumber } from './option-values.js';

/** What this command reads of the console's API. */
interface Scaling {
  readonly count: number;
  readonly idle: number | null;
}

interface Pipeline {
  /** A consumer without figures no longer sends heartbeats. */
  readonly consumers?: readonly { readonly inFlight?: number | null }[] | null;
  readonly changes: readonly {
    readonly secondsAgo: number;
    readonly kind: string;
    readonly to?: { readonly consumers: number } | null;
    readonly before?: number | null;
    readonly after?: number | null;
    readonly verdict?: { readonly text: string } | null;
  }[];
}

interface ScaleOptions {
  readonly console: string;
  readonly watch?: true;
  readonly json?: true;
}

const POLL_INTERVAL_MS = 1_000;
/** Polls before the change, during which the console measures the rate to compare with. */
const POLLS_BEFORE = 10;
/** Polls after the change. A verdict takes 11 s after the consumers have settled. */
const POLLS_AFTER = 90;
/** The tolerance for equal times: the console reports whole seconds. Two changes with separate verdicts are at least 11 s apart. */
const SAME_CHANGE_MS = 2_000;

/** `scale COUNT`: starts or drains consumers of a running `npm start`, through the console. */
export function addScaleCommand(program: Command, run: RunCommand, defaultConsoleUrl: string): void {
  program
    .command('scale')
    .description('set the number of consumers of a running `npm start`: it starts or drains consumers')
    .argument('<count>', 'number of consumer processes, 1 to 64', wholeNumber)
    .option('--console <url>', 'address of the console (or ORDERS_CONSOLE_URL)', defaultConsoleUrl)
    .option('--watch', 'measure the save rate before and after, and print the effect')
    .option('--json', 'print the response as JSON; with --watch, the effect')
    .action(async (wanted: number, { console: url, ...options }: ScaleOptions, command: Command) =>
      run(command, async (context) => (options.watch ? watched : scale)(context, wanted, options.json), url),
    );
}

async function scale({ client, terminal }: CommandContext, wanted: number, json?: true): Promise<ExitCode> {
  const answer = await requestScaling(client, wanted);
  const consumers = answer.count === 1 ? 'consumer' : 'consumers';
  terminal.out.write(json ? `${JSON.stringify(answer)}\n` : `Scaling to ${answer.count} ${consumers}.\n`);
  warnOfIdle(terminal, answer.idle);
  return EXIT_CODE.ok;
}

/** Scales while polling the console: it detects changes only while it is polled, from some seconds before until the verdict. */
async function watched({ client, terminal, clock }: CommandContext, wanted: number, json?: true): Promise<ExitCode> {
  terminal.err.write('Measuring the current save rate for 10 s\n');
  const before = await measureBefore(client, clock);
  const { idle } = await requestScaling(client, wanted);
  warnOfIdle(terminal, idle);
  if (before.isAtRest && before.consumers === wanted) {
    terminal.out.write(json ? 'null\n' : `Already ${wanted} consumer${wanted === 1 ? '' : 's'}: nothing changed.\n`);
    return EXIT_CODE.ok;
  }
  for (let poll = 0; poll < POLLS_AFTER; poll += 1) {
    await pause(clock, POLL_INTERVAL_MS);
    const { changes } = await client.request<Pipeline>(PIPELINE);
    const change = changes.findLast(({ kind, to }) => kind === 'scaling' && to?.consumers === wanted);
    // Skips the verdict on an earlier change to the same number.
    if (!change?.verdict || momentOf(change, clock) <= before.judgedUntil + SAME_CHANGE_MS) continue;
    const { before: rateBefore, after, verdict } = change;
    const rates = `saved/s ${count(rateBefore)} before, ${count(after)} after`;
    terminal.out.write(json ? `${JSON.stringify(change)}\n` : `${printable(verdict.text)} (${rates})\n`);
    return EXIT_CODE.ok;
  }
  terminal.err.write(`The console reported no effect within ${POLLS_AFTER} s.\n`);
  return EXIT_CODE.failed;
}

interface Before {
  /** The consumers that send heartbeats; `undefined`: unknown. */
  readonly consumers: number | undefined;
  /** Whether no change is being measured. */
  readonly isAtRest: boolean;
  /** The time of the last change with a verdict, in milliseconds of the clock. */
  readonly judgedUntil: number;
}

async function measureBefore(client: ProducerClient, clock: Clock): Promise<Before> {
  let before: Before = { consumers: undefined, isAtRest: false, judgedUntil: Number.NEGATIVE_INFINITY };
  for (let poll = 0; poll < POLLS_BEFORE; poll += 1) {
    before = beforeOf(await client.request<Pipeline>(PIPELINE), clock);
    await pause(clock, POLL_INTERVAL_MS);
  }
  return before;
}

function beforeOf({ consumers, changes }: Pipeline, clock: Clock): Before {
  const scalings = changes.filter(({ kind }) => kind === 'scaling');
  const judged = scalings.findLast(({ verdict }) => verdict);
  return {
    consumers: consumers?.filter(({ inFlight }) => typeof inFlight === 'number').length,
    isAtRest: scalings.every(({ verdict }) => verdict),
    judgedUntil: judged === undefined ? Number.NEGATIVE_INFINITY : momentOf(judged, clock),
  };
}

function momentOf({ secondsAgo }: Pipeline['changes'][number], clock: Clock): number {
  return clock.now() - 1_000 * secondsAgo;
}

const PIPELINE = { method: 'GET', path: '/v1/pipeline' } as const;

async function requestScaling(client: ProducerClient, wanted: number): Promise<Scaling> {
  return client.request({
    method: 'POST',
    path: '/v1/pipeline/consumers',
    headers: { 'content-type': 'application/json' },
    body: () => JSON.stringify({ count: wanted }),
  });
}

function warnOfIdle(terminal: Terminal, idle: number | null): void {
  if (idle === null || idle === 0) return;
  terminal.err.write(
    `${idle} of them ${idle === 1 ? 'is' : 'are'} idle: a partition is assigned to only one consumer.\n`,
  );
}
