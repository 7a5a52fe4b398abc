import type { Command } from 'commander';
import type { RunCommand } from '../command-context.js';
import { EXIT_CODE } from '../exit-code.js';
import { requestAction } from '../producer/operation-requests.js';
import { operationId } from './option-values.js';
import { printOperation } from './started-operation.js';

const INTERRUPTIONS = {
  pause: 'pause an operation after its current chunk',
  resume: 'resume a paused operation',
  cancel: 'cancel an operation after its current chunk; acknowledged orders remain',
};

/** `pause ID`, `resume ID` and `cancel ID`. Each is idempotent. */
export function addInterruptionCommands(program: Command, run: RunCommand): void {
  for (const [action, description] of Object.entries(INTERRUPTIONS)) {
    program
      .command(action)
      .description(description)
      .argument('<id>', 'id of the operation', operationId)
      .option('--json', 'print the operation as JSON')
      .action(async (id: string, { json }: { json?: true }, command: Command) =>
        run(command, async (context) => {
          printOperation(context, await requestAction(context.client, id, { action }), json);
          return EXIT_CODE.ok;
        }),
      );
  }
}
