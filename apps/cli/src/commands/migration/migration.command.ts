import { Option, type Command } from 'commander';
import type { RunCommand } from '../../command-context.js';
import { wholeNumber } from '../option-values.js';
import { backfill, verify } from './runs.js';
import { hold, promote, rollback, type MoveOptions } from './moves.js';
import { listMismatches, listPending, status } from './reports.js';

interface CommonOptions {
  readonly facade: string;
  readonly json?: true;
}

/** `migration …`: moves traffic from the legacy system to the pipeline, through the facade. @returns the group */
export function addMigrationCommands(program: Command, run: RunCommand, defaultFacadeUrl: string): Command {
  const group = program.command('migration').description('leave the legacy system step by step, through the facade');
  const add = (name: string, description: string): Command =>
    group
      .command(name)
      .description(description)
      .option('--facade <url>', 'address of the facade (or ORDERS_FACADE_URL)', defaultFacadeUrl)
      .option('--json', 'print the response as JSON');

  add('status', 'show the stage of each capability, and the gate of its next step').action(
    async ({ facade, json }: CommonOptions, command: Command) =>
      run(command, async (context) => status(context, json), facade),
  );
  add('promote', 'move a capability one step forward, if the gate allows it')
    .argument('<capability>', 'writes, read-by-id, read-by-page or read-by-range')
    .option('--percent <n>', 'the share of the keys that move, 1 to 100 (default: 100)', wholeNumber)
    .option('--force', 'overrule the gate')
    .addOption(reasonOption())
    .action(async (capability: string, { facade, ...options }: CommonOptions & MoveOptions, command: Command) =>
      run(command, async (context) => promote(context, capability, options), facade),
    );
  add('rollback', 'move a capability one stage back')
    .argument('<capability>', 'writes, read-by-id, read-by-page or read-by-range')
    .option('--force', 'take reads back first, if writes go back')
    .addOption(reasonOption())
    .action(async (capability: string, { facade, ...options }: CommonOptions & MoveOptions, command: Command) =>
      run(command, async (context) => rollback(context, capability, options), facade),
    );
  add('hold', 'block every change, also automatic rollbacks; with --release, allow them again')
    .option('--release', 'allow changes again')
    .addOption(reasonOption())
    .action(async ({ facade, ...options }: CommonOptions & HoldOptions, command: Command) =>
      run(command, async (context) => hold(context, options), facade),
    );
  add('backfill', "copy the legacy system's orders to the pipeline, and wait until they are handed over").action(
    async ({ facade, json }: CommonOptions, command: Command) =>
      run(command, async (context) => backfill(context, json), facade),
  );
  add('verify', 'compare all orders of both sides; exit code 0: equal, 1: different, 2: writes are still open').action(
    async ({ facade, json }: CommonOptions, command: Command) =>
      run(command, async (context) => verify(context, json), facade),
  );
  add('mismatches', 'list answers of the two sides that differ')
    .option('--capability <name>', 'only those of this capability')
    .action(async ({ facade, ...options }: CommonOptions & { readonly capability?: string }, command: Command) =>
      run(command, async (context) => listMismatches(context, options), facade),
    );
  add('pending', 'list writes that are not on both sides yet').action(
    async ({ facade, json }: CommonOptions, command: Command) =>
      run(command, async (context) => listPending(context, json), facade),
  );
  return group;
}

interface HoldOptions {
  readonly release?: true;
  readonly reason: string;
  readonly json?: true;
}

function reasonOption(): Option {
  return new Option('--reason <text>', 'why, for the audit').makeOptionMandatory();
}
