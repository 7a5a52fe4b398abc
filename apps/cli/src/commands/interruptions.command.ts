import type { Command } from 'commander';
import type { RunCommand } from '../command-context.js';
import { EXIT_CODE } from '../exit-code.js';
import { OperationSchema } from '../producer/operation.js';
import { askOperation } from '../producer/operation-requests.js';
import { operationId } from './option-values.js';
import { printOperation } from './started-operation.js';

const INTERRUPTIONS = {
  pause: 'pause an operation after the chunk in hand',
  resume: 'let a paused operation go on where it was',
  cancel: 'end an operation after the chunk in hand; what Kafka has acknowledged stays',
};

/** `pause ID`, `resume ID` and `cancel ID`. Each changes nothing where it is done already. */
export function addInterruptionCommands(program: Command, run: RunCommand): void {
  for (const [what, description] of Object.entries(INTERRUPTIONS)) {
    program
      .command(what)
      .description(description)
      .argument('<id>', 'its id', operationId)
      .option('--json', 'print the operation as JSON')
      .action(async (id: string, { json }: { json?: true }, command: Command) =>
        run(command, async (context) => {
          printOperation(context, await askOperation(context.client, id, { what, schema: OperationSchema }), json);
          return EXIT_CODE.ok;
        }),
      );
  }
}
