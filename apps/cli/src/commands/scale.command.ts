import type { Command } from 'commander';
import { z } from 'zod';
import { pause, type Clock } from '#parallel-consumer/clock.js';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import type { ProducerClient } from '../producer/producer-client.js';
import { count } from '../terminal/figures.js';
import { printable } from '../terminal/printable.js';
import type { Terminal } from '../terminal/terminal.js';
import { wholeNumber } from './option-values.js';

const ScalingSchema = z.looseObject({ count: z.int(), idle: z.int().nullable() });

const PipelineSchema = z.looseObject({
  /** Without figures: it is not heard of any more. */
  consumers: z.array(z.looseObject({ inFlight: z.number().nullish() })).nullish(),
  changes: z.array(
    z.looseObject({
      secondsAgo: z.number(),
      kind: z.string(),
      to: z.looseObject({ consumers: z.int() }).nullish(),
      before: z.number().nullish(),
      after: z.number().nullish(),
      verdict: z.looseObject({ outcome: z.string(), text: z.string() }).nullish(),
    }),
  ),
});

type Pipeline = z.infer<typeof PipelineSchema>;

interface ScaleOptions {
  readonly console: string;
  readonly watch?: true;
  readonly json?: true;
}

const LOOK_EVERY_MS = 1_000;
/** Looks before the change: what is compared with. */
const LOOKS_BEFORE = 10;
/** A verdict takes eleven seconds from when all has come to rest. */
const LOOKS_AFTER = 90;
/** Changes are told with whole seconds. Two that are judged each for itself are eleven seconds apart at the least. */
const SAME_CHANGE_MS = 2_000;

/** `scale COUNT`: starts or drains consumers of a running `npm start`, through its console. */
export function addScaleCommand(program: Command, run: RunCommand, defaultConsoleUrl: string): void {
  program
    .command('scale')
    .description('have so many consumers under a running `npm start`: they start, or drain')
    .argument('<count>', 'consumer processes, 1 to 64', wholeNumber)
    .option('--console <url>', 'the console (or ORDERS_CONSOLE_URL)', defaultConsoleUrl)
    .option('--watch', 'look at it for half a minute, and say what came of it')
    .option('--json', 'print the answer as JSON; with --watch what came of it')
    .action(async (wanted: number, { console: url, ...options }: ScaleOptions, command: Command) =>
      run(command, async (context) => (options.watch ? watched : scale)(context, wanted, options.json), url),
    );
}

async function scale({ client, terminal }: CommandContext, wanted: number, json?: true): Promise<ExitCode> {
  const answer = await askFor(client, wanted);
  const consumers = answer.count === 1 ? 'consumer' : 'consumers';
  terminal.out.write(json ? `${JSON.stringify(answer)}\n` : `${answer.count} ${consumers} from now on\n`);
  warnOfIdle(terminal, answer.idle);
  return EXIT_CODE.ok;
}
/** The console notices changes only while somebody looks: for some seconds before, and until it has judged. */
async function watched({ client, terminal, clock }: CommandContext, wanted: number, json?: true): Promise<ExitCode> {
  terminal.err.write('looking for ten seconds how much is saved now\n');
  const before = await lookBefore(client, clock);
  const { idle } = await askFor(client, wanted);
  warnOfIdle(terminal, idle);
  if (before.isAtRest && before.consumers === wanted) {
    terminal.out.write(json ? 'null\n' : `${wanted} ran already: nothing has changed\n`);
    return EXIT_CODE.ok;
  }
  for (let look = 0; look < LOOKS_AFTER; look += 1) {
    await pause(clock, LOOK_EVERY_MS);
    const { changes } = await client.ask(PIPELINE, PipelineSchema);
    const change = changes.findLast(({ kind, to }) => kind === 'scaling' && to?.consumers === wanted);
    // One like it was judged before: not what came of this.
    if (!change?.verdict || momentOf(change, clock) <= before.judgedUntil + SAME_CHANGE_MS) continue;
    const { before: rateBefore, after, verdict } = change;
    const rates = `saved/s ${count(rateBefore)} before, ${count(after)} after`;
    terminal.out.write(json ? `${JSON.stringify(change)}\n` : `${printable(verdict.text)} (${rates})\n`);
    return EXIT_CODE.ok;
  }
  terminal.err.write('The console has not seen that change come to rest.\n');
  return EXIT_CODE.failed;
}

interface Before {
  /** That are heard of; `undefined`: unknown. */
  readonly consumers: number | undefined;
  /** No change is being measured. */
  readonly isAtRest: boolean;
  /** When the last change that is judged was made, in milliseconds of the clock. */
  readonly judgedUntil: number;
}

async function lookBefore(client: ProducerClient, clock: Clock): Promise<Before> {
  let before: Before = { consumers: undefined, isAtRest: false, judgedUntil: Number.NEGATIVE_INFINITY };
  for (let look = 0; look < LOOKS_BEFORE; look += 1) {
    before = beforeOf(await client.ask(PIPELINE, PipelineSchema), clock);
    await pause(clock, LOOK_EVERY_MS);
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

async function askFor(client: ProducerClient, wanted: number): Promise<z.infer<typeof ScalingSchema>> {
  return client.ask(
    {
      method: 'POST',
      path: '/v1/pipeline/consumers',
      headers: { 'content-type': 'application/json' },
      body: () => JSON.stringify({ count: wanted }),
    },
    ScalingSchema,
  );
}

function warnOfIdle(terminal: Terminal, idle: number | null): void {
  if (idle === null || idle === 0) return;
  terminal.err.write(`${idle} of them ${idle === 1 ? 'has' : 'have'} nothing to do: a partition has one consumer.\n`);
}
