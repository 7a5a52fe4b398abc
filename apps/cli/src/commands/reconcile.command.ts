import type { Command } from 'commander';
import { z } from 'zod';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { askOperation } from '../producer/operation-requests.js';
import { printableLines } from '../terminal/printable.js';
import { operationId } from './option-values.js';

const ReportSchema = z.looseObject({
  verdict: z.enum(['holds', 'broken', 'pending']),
  /** For people, of many lines. */
  text: z.string(),
});

const EXIT_CODES: Readonly<Record<z.infer<typeof ReportSchema>['verdict'], ExitCode>> = {
  holds: EXIT_CODE.ok,
  broken: EXIT_CODE.failed,
  pending: EXIT_CODE.pending,
};

/** `reconcile ID`: whether each order that Kafka acknowledged is saved or among the dead letters. */
export function addReconcileCommand(program: Command, run: RunCommand): void {
  program
    .command('reconcile')
    .description('check order by order that nothing of an operation is lost; takes minutes for millions')
    .argument('<id>', 'its id', operationId)
    .option('--json', 'print the report as JSON')
    .action(async (id: string, { json }: { json?: true }, command: Command) =>
      run(command, async (context) => reconcile(context, id, json)),
    );
}

async function reconcile({ client, terminal }: CommandContext, id: string, json?: true): Promise<ExitCode> {
  const report = await askOperation(client, id, { what: 'reconcile', schema: ReportSchema, isPatient: true });
  terminal.out.write(`${json ? JSON.stringify(report) : printableLines(report.text)}\n`);
  return EXIT_CODES[report.verdict];
}
