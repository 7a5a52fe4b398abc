import { Option, type Command } from 'commander';
import { pause } from '@orders-pipeline/clock';
import type {
  Backfill,
  CapabilityState,
  Differences,
  Migration,
  MismatchPage,
  PendingIntents,
  Verification,
} from '#api/facade.js';
import { EXIT_CODE, usageError, type ExitCode } from '../cli-error.js';
import type { CommandContext, Run } from '../environment.js';
import { withQuery } from '../producer/producer-client.js';
import { count, printable, tableOf } from '../terminal/output.js';
import { wholeNumber } from './option-values.js';

const STATE_PATH = '/v1/migration';
const POLL_MS = 1_000;
const SHOWN_DIFFERENCES = 20;
const COLUMNS = [
  { heading: 'capability' },
  { heading: 'stage' },
  { heading: 'compared', align: 'right' },
  { heading: 'mismatches', align: 'right' },
  { heading: 'p99 ms, legacy / target', align: 'right' },
  { heading: 'open writes', align: 'right' },
] as const;
/** The stages of writes, and those of reads. */
const STAGES = {
  writes: ['off', 'dualwrite', 'live', 'complete'],
  reads: ['off', 'shadow', 'live', 'complete'],
} as const;

interface JsonOption {
  readonly json?: true;
}

interface MoveOptions extends JsonOption {
  readonly percent?: number;
  readonly force?: true;
  readonly reason: string;
}

/** `migration …`: moves traffic from the legacy system to the pipeline, through the facade. @returns the group */
export function addMigrationCommands(program: Command, run: Run, defaultFacadeUrl: string): Command {
  const group = program.command('migration').description('migrate a legacy system step by step, through the facade');
  const add = (name: string, description: string): Command =>
    group
      .command(name)
      .description(description)
      .option('--facade <url>', 'address of the facade (or ORDERS_FACADE_URL)', defaultFacadeUrl)
      .option('--json', 'print the response as JSON');

  add('status', 'show the stage of each capability, and the gate of its next step').action(run(status));
  add('promote', 'move a capability one step forward, if the gate allows it')
    .argument('<capability>', 'writes, read-by-id, read-by-page or read-by-range')
    .option('--percent <n>', 'the share of the keys that move, 1 to 100 (default: 100)', wholeNumber)
    .option('--force', 'override the gate')
    .addOption(reasonOption())
    .action(run(promote));
  add('rollback', 'move a capability one stage back')
    .argument('<capability>', 'writes, read-by-id, read-by-page or read-by-range')
    .option('--force', 'take reads back first, if writes go back')
    .addOption(reasonOption())
    .action(run(rollback));
  add('hold', 'block every change, also automatic rollbacks; with --release, allow them again')
    .option('--release', 'allow changes again')
    .addOption(reasonOption())
    .action(run(holdChanges));
  add('backfill', "copy the legacy system's orders to the pipeline, and wait until imports have them").action(
    run(backfill),
  );
  add('verify', 'compare all orders of both sides; exit code 0: equal, 1: different, 2: writes are still open').action(
    run(verify),
  );
  add('mismatches', 'list answers of the two sides that differ')
    .option('--capability <name>', 'only those of this capability')
    .action(run(listMismatches));
  add('pending', 'list writes that are not on both sides yet').action(run(listPending));
  return group;
}

function reasonOption(): Option {
  return new Option('--reason <text>', 'why, for the audit').makeOptionMandatory();
}

/** Prints the stage of each capability, and which conditions of the next step are not met. */
async function status({ client, terminal }: CommandContext, { json }: JsonOption): Promise<ExitCode> {
  const migration = await client.get<Migration>(STATE_PATH);
  terminal.out.write(`${json ? JSON.stringify(migration) : statusText(migration)}\n`);
  return EXIT_CODE.ok;
}

/** Returns a state such as `live at 10 %`. */
function stateText({ stage, percent }: Pick<CapabilityState, 'stage' | 'percent'>): string {
  return stage === 'off' ? 'off' : `${stage} at ${percent} %`;
}

function statusText({ capabilities, hold, change }: Migration): string {
  const lines = [
    tableOf(
      COLUMNS,
      Object.entries(capabilities).map(([name, state]) => [
        name,
        stateText(state),
        count(state.samples),
        count(state.mismatches),
        `${milliseconds(state.p99Ms.legacy)} / ${milliseconds(state.p99Ms.new)}`,
        count(state.pendingIntents),
      ]),
    ),
  ];
  for (const [name, { cause, gate }] of Object.entries(capabilities)) {
    if (cause !== undefined) lines.push(printable(`${name} was taken back: ${cause}`));
    const unmet = gate.filter(({ holds }) => !holds);
    for (const { condition, wanted, found } of unmet)
      lines.push(printable(`${name}: next step needs ${condition} ${wanted}; found ${found}`));
  }
  if (hold !== null) lines.push(printable(`Held by ${hold.by} since ${hold.since}: ${hold.reason}`));
  if (change !== null)
    lines.push(printable(`Writes are moving to ${stateText(change)} (${change.step}), until ${change.deadline}`));
  return lines.join('\n');
}

function milliseconds(value: number | null): string {
  return value === null ? '-' : value.toFixed(1);
}

/** Moves to the next stage, or to more keys of the present one. */
async function promote(context: CommandContext, capability: string, options: MoveOptions): Promise<ExitCode> {
  const { stage, percent, version } = await stateOf(context, capability);
  const next = percent < 100 ? stage : stagesOf(capability)[indexOf(capability, stage) + 1];
  if (next === undefined)
    throw usageError('last-stage', `${capability} is complete already.`, 'There is no stage after it.');
  return move(context, capability, options, { stage: next, version });
}

/** Moves to the stage before. */
async function rollback(context: CommandContext, capability: string, options: MoveOptions): Promise<ExitCode> {
  const { stage, version } = await stateOf(context, capability);
  const before = stagesOf(capability)[indexOf(capability, stage) - 1];
  if (before === undefined)
    throw usageError('first-stage', `${capability} is off already.`, 'There is no stage before it.');
  return move(context, capability, options, { stage: before, version });
}

async function move(
  { client, terminal }: CommandContext,
  capability: string,
  { percent, force, reason, json }: MoveOptions,
  target: { readonly stage: string; readonly version: number },
): Promise<ExitCode> {
  const migration = await client.post<Migration>({
    path: `${STATE_PATH}/${capability}`,
    json: { ...target, percent, force, reason },
    // A repeat names the version that was seen: it moves nothing twice.
    unknownOutcome: 'Read the state: npm run migration -- status',
  });
  const state = stateIn(migration, capability);
  terminal.out.write(`${json ? JSON.stringify(migration) : `${printable(capability)} is ${stateText(state)}.`}\n`);
  return EXIT_CODE.ok;
}

/** Blocks every change, or allows them again. */
async function holdChanges(
  { client, terminal }: CommandContext,
  { release, reason, json }: JsonOption & { readonly release?: true; readonly reason: string },
): Promise<ExitCode> {
  const request = { path: `${STATE_PATH}/hold`, json: { held: release === undefined, reason } };
  const migration = await client.post<Migration>(request);
  const text = migration.hold === null ? 'Changes are allowed.' : 'Every change is blocked.';
  terminal.out.write(`${json ? JSON.stringify(migration) : text}\n`);
  return EXIT_CODE.ok;
}

async function stateOf({ client }: CommandContext, capability: string): Promise<CapabilityState> {
  return stateIn(await client.get<Migration>(STATE_PATH), capability);
}

function stateIn({ capabilities }: Migration, capability: string): CapabilityState {
  const state = Object.entries(capabilities).find(([name]) => name === capability)?.[1];
  if (state !== undefined) return state;
  throw usageError(
    'unknown-capability',
    `There is no capability ${printable(capability)}.`,
    `It must be one of ${Object.keys(capabilities).join(', ')}.`,
  );
}

function stagesOf(capability: string): readonly string[] {
  return capability === 'writes' ? STAGES.writes : STAGES.reads;
}

function indexOf(capability: string, stage: string): number {
  return stagesOf(capability).indexOf(stage);
}

/** Copies the legacy system's orders, and waits until imports have all of them. Exit code 1: some have no translation. */
async function backfill(context: CommandContext, { json }: JsonOption): Promise<ExitCode> {
  const { terminal } = context;
  const run = await runToEnd<Backfill>(context, `${STATE_PATH}/backfill`);
  if (json) terminal.out.write(`${JSON.stringify(run)}\n`);
  else {
    const imports = `${run.operationIds.length} import${run.operationIds.length === 1 ? '' : 's'}`;
    terminal.out.write(`${count(run.translated)} orders translated, in ${imports}.\n`);
    if (run.operationIds.length > 0)
      terminal.out.write('Before a verify, wait until they are saved: npm run orders -- operations\n');
    if (run.untranslated > 0)
      terminal.out.write(
        `${count(run.untranslated)} have no exact translation: see /v1/migration/backfill/${run.id}/untranslated.\n`,
      );
  }
  return run.result === 'imported' ? EXIT_CODE.ok : EXIT_CODE.failed;
}

/** Compares both sides. Exit code 0: equal, 1: different, 2: writes are still open. */
async function verify(context: CommandContext, { json }: JsonOption): Promise<ExitCode> {
  const { client, terminal } = context;
  const run = await runToEnd<Verification>(context, `${STATE_PATH}/verify`);
  if (json) terminal.out.write(`${JSON.stringify(run)}\n`);
  else {
    terminal.out.write(`${verdict(run)}\n`);
    if (run.differences > 0) {
      const path = `${STATE_PATH}/verify/${run.id}/differences?limit=${SHOWN_DIFFERENCES}`;
      const { items } = await client.get<Differences>(path);
      for (const item of items) terminal.out.write(`  ${printable(JSON.stringify(item))}\n`);
    }
  }
  if (run.result === 'equal') return EXIT_CODE.ok;
  return run.result === 'open' ? EXIT_CODE.pending : EXIT_CODE.failed;
}

function verdict({ result, orders, differences, openIntervals }: Verification): string {
  const both = `${count(orders.legacy)} orders in the legacy system, ${count(orders.new)} on the target`;
  if (result === 'equal') return `${both}: equal.`;
  if (result === 'open')
    return `${both}: equal, except that ${openIntervals} intervals wait for open writes. Retry later.`;
  return result === 'different' ? `${both}: ${count(differences)} differences.` : `${both}: cancelled.`;
}

/** A backfill or a verify. */
interface FacadeRun {
  readonly id: string;
  readonly status: string;
  readonly done: number;
  readonly upTo: number;
  readonly problem: string | null;
}

/** Starts a run, and waits until it has ended. A run that waits for a side says why. */
async function runToEnd<R extends FacadeRun>({ client, terminal, clock }: CommandContext, path: string): Promise<R> {
  let run = await client.post<R>({ path });
  let shown: string | null = null;
  while (run.status === 'running') {
    await pause(clock, POLL_MS);
    run = await client.get<R>(`${path}/${run.id}`);
    if (run.problem !== null && run.problem !== shown) terminal.err.write(`Waiting: ${printable(run.problem)}\n`);
    shown = run.problem;
  }
  return run;
}

/** Prints the newest mismatches, each with its fields. */
async function listMismatches(
  { client, terminal }: CommandContext,
  { capability, json }: JsonOption & { readonly capability?: string },
): Promise<ExitCode> {
  const query = { pageSize: '100', capability };
  const page = await client.get<MismatchPage>(withQuery(`${STATE_PATH}/mismatches`, query));
  if (json) terminal.out.write(`${JSON.stringify(page)}\n`);
  else if (page.items.length === 0) terminal.err.write('No mismatches found.\n');
  else
    for (const { capability: kind, key, count: times, paths, recheck } of page.items) {
      const often = `${times > 1 ? `, ${count(times)} times` : ''}${recheck === 'passed' ? ', equal when asked again' : ''}`;
      terminal.out.write(`${printable(`${kind} ${key}${often}`)}\n`);
      for (const { path, legacy, new: other, code } of paths)
        terminal.out.write(
          `  ${printable(`${path}: legacy ${legacy ?? 'has none'}, target ${other ?? 'has none'}${code ? ` (${code})` : ''}`)}\n`,
        );
    }
  return EXIT_CODE.ok;
}

/** Prints the open write intents, the oldest first. */
async function listPending({ client, terminal }: CommandContext, { json }: JsonOption): Promise<ExitCode> {
  const pending = await client.get<PendingIntents>(`${STATE_PATH}/pending`);
  if (json) terminal.out.write(`${JSON.stringify(pending)}\n`);
  else if (pending.count === 0) terminal.err.write('No writes are open.\n');
  else
    for (const { id, number, ageMs, legacy, new: created, reason } of pending.items)
      terminal.out.write(
        `${printable(`${id} number ${number}: ${(ageMs / 1_000).toFixed(1)} s old, legacy ${legacy}, target ${created}${reason === null ? '' : `: ${reason}`}`)}\n`,
      );
  return EXIT_CODE.ok;
}
