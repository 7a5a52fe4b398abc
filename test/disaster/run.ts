/**
 * `npm run disaster`: rehearses the loss of MongoDB on servers of its own, and writes a report. Exit code 0: nothing was lost and all that is
 * checked holds; 1: a check failed; 2: wrong usage.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { currentCommit, describeMachine } from '../../dev/machine/machine.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { explain, StackError } from '../../dev/stack-error.js';
import { rehearse } from './rehearsal.js';
import { reportOf, verdictsOf } from './report.js';

const DEFAULT_ORDERS = 1_000_000;
const MOST_ORDERS = 10_000_000;

const print = (line: string): void => void process.stderr.write(`${line}\n`);

const { orders, out } = new Command('npm run disaster --')
  .option('--orders <n>', 'orders before the backup', toOrders, DEFAULT_ORDERS)
  .option('--out <dir>', 'output folder for report.md', join('.data', 'disaster'))
  .allowExcessArguments(false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ readonly orders: number; readonly out: string }>();

function toOrders(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1_000 || count > MOST_ORDERS)
    throw new InvalidArgumentError(`It must be an integer from 1000 to ${MOST_ORDERS}.`);
  return count;
}

try {
  const [machine, startedAt] = [describeMachine(), new Date()];
  const rehearsal = await rehearse(orders, print);
  const report = join(resolve(PROJECT_DIRECTORY, out), 'report.md');
  await mkdir(join(report, '..'), { recursive: true });
  await writeFile(report, reportOf({ rehearsal, machine, commit: currentCommit(), startedAt }));
  const verdicts = verdictsOf(rehearsal);
  for (const { what, found, holds } of verdicts) console.log(`${holds ? 'passed' : 'FAILED'}  ${what}: ${found}`);
  print(`written: ${report}`);
  process.exit(verdicts.every(({ holds }) => holds) ? 0 : 1);
} catch (error) {
  print(explain(error));
  process.exit(error instanceof StackError ? error.exitCode : 1);
}
