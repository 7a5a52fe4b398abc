import type { Command } from 'commander';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { requestAction } from '../producer/operation-requests.js';
import type { Reconciliation } from '#api/producer.js';
import { printableLines } from '../terminal/printable.js';
import { operationId } from './option-values.js';

const EXIT_CODES: Readonly<Record<Reconciliation['verdict'], ExitCode>> = {
  holds: EXIT_CODE.ok,
  broken: EXIT_CODE.failed,
  pending: EXIT_CODE.pending,
};

/** `reconcile ID`: checks that each order that Kafka acknowledged is saved or dead-lettered. */
export function addReconcileCommand(program: Command, run: RunCommand): void {
  program
    .command('reconcile')
    .description('check that no order of an operation is lost; takes minutes for millions of orders')
    .argument('<id>', 'id of the operation', operationId)
    .option('--json', 'print the report as JSON')
    .action(async (id: string, { json }: { json?: true }, command: Command) =>
      run(command, async (context) => reconcile(context, id, json)),
    );
}

async function reconcile({ client, terminal }: CommandContext, id: string, json?: true): Promise<ExitCode> {
  const report = await requestAction<Reconciliation>(client, id, { action: 'reconcile', noTimeout: true });
  terminal.out.write(`${json ? JSON.stringify(report) : printableLines(report.text)}\n`);
  return EXIT_CODES[report.verdict];
}
