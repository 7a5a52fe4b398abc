/**
 * `npm run disaster`: rehearses the loss of MongoDB on servers of its own, and writes a report. Exit code 0: nothing was lost and all that is
 * checked holds; 1: a check failed; 2: wrong usage.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { currentCommit, describeMachine } from '../../dev/machine/machine-description.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { explain, StackError } from '../../dev/stack-error.js';
import { rehearse } from './rehearsal.js';
import { reportOf } from './report.js';
import { verdictsOf } from './verdicts.js';

const DEFAULT_ORDERS = 1_000_000;
const MOST_ORDERS = 10_000_000;
const FLAGS = `Flags of npm run disaster, after a --:
  --orders N    orders before the backup, 1000 to 10000000 (default 1000000)
  --out DIR     output folder for report.md (default .data/disaster)`;

const print = (line: string): void => void process.stderr.write(`${line}\n`);

function readOptions(args: readonly string[]): { readonly orders: number; readonly out: string } {
  const options = { orders: { type: 'string' }, out: { type: 'string' } } as const;
  try {
    const { orders = String(DEFAULT_ORDERS), out = join('.data', 'disaster') } = parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: false,
    }).values;
    const count = Number(orders);
    if (!Number.isInteger(count) || count < 1_000 || count > MOST_ORDERS)
      throw new Error(`--orders must be an integer from 1000 to ${MOST_ORDERS}, got "${orders}"`);
    return { orders: count, out: resolve(PROJECT_DIRECTORY, out) };
  } catch (error) {
    throw new StackError('bad-flag', error instanceof Error ? error.message : String(error), FLAGS);
  }
}

try {
  const { orders, out } = readOptions(process.argv.slice(2));
  const [machine, startedAt] = [describeMachine(), new Date()];
  const rehearsal = await rehearse({ orders, print });
  const report = reportOf({ rehearsal, machine, commit: currentCommit(), startedAt });
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'report.md'), report);
  const verdicts = verdictsOf(rehearsal);
  for (const { what, found, holds } of verdicts) console.log(`${holds ? 'passed' : 'FAILED'}  ${what}: ${found}`);
  print(`written: ${join(out, 'report.md')}`);
  process.exit(verdicts.every(({ holds }) => holds) ? 0 : 1);
} catch (error) {
  print(explain(error));
  process.exit(error instanceof StackError ? error.exitCode : 1);
}
