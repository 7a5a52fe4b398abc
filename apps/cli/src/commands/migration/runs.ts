import { pause } from '@orders-pipeline/clock';
import type { CommandContext } from '../../command-context.js';
import { EXIT_CODE, type ExitCode } from '../../exit-code.js';
import type { Backfill, Differences, Verification } from '#api/facade.js';
import { count } from '../../terminal/figures.js';
import { printable } from '../../terminal/printable.js';

const POLL_MS = 1_000;
const SHOWN_DIFFERENCES = 20;

/** Copies the legacy system's orders, and waits until all are handed over to imports. Exit code 1: some have no translation. */
export async function backfill(context: CommandContext, json?: true): Promise<ExitCode> {
  const { terminal } = context;
  const run = await follow<Backfill>(context, '/v1/migration/backfill');
  if (json) terminal.out.write(`${JSON.stringify(run)}\n`);
  else {
    const imports = `${run.operationIds.length} import${run.operationIds.length === 1 ? '' : 's'}`;
    terminal.out.write(`${count(run.translated)} orders handed over, in ${imports}.\n`);
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
export async function verify(context: CommandContext, json?: true): Promise<ExitCode> {
  const { client, terminal } = context;
  const run = await follow<Verification>(context, '/v1/migration/verify');
  if (json) terminal.out.write(`${JSON.stringify(run)}\n`);
  else {
    terminal.out.write(`${verdict(run)}\n`);
    if (run.differences > 0) {
      const path = `/v1/migration/verify/${run.id}/differences?limit=${SHOWN_DIFFERENCES}`;
      const { items } = await client.request<Differences>({ method: 'GET', path });
      for (const item of items) terminal.out.write(`  ${printable(JSON.stringify(item))}\n`);
    }
  }
  if (run.result === 'equal') return EXIT_CODE.ok;
  return run.result === 'open' ? EXIT_CODE.pending : EXIT_CODE.failed;
}

function verdict({ result, orders, differences, openIntervals }: Verification): string {
  const both = `${count(orders.legacy)} orders in the legacy system, ${count(orders.new)} on the new side`;
  if (result === 'equal') return `${both}: equal.`;
  if (result === 'open')
    return `${both}: equal, except that ${openIntervals} intervals wait for open writes. Retry later.`;
  return result === 'different' ? `${both}: ${count(differences)} differences.` : `${both}: cancelled.`;
}

interface Run {
  readonly id: string;
  readonly status: string;
  readonly done: number;
  readonly upTo: number;
  readonly problem: string | null;
}

/** Starts a run, and waits until it has ended. A run that waits for a side says why. */
async function follow<R extends Run>({ client, terminal, clock }: CommandContext, path: string): Promise<R> {
  let run = await client.request<R>({ method: 'POST', path });
  let shown: string | null = null;
  while (run.status === 'running') {
    await pause(clock, POLL_MS);
    run = await client.request<R>({ method: 'GET', path: `${path}/${run.id}` });
    if (run.problem !== null && run.problem !== shown) terminal.err.write(`Waiting: ${printable(run.problem)}\n`);
    shown = run.problem;
  }
  return run;
}
