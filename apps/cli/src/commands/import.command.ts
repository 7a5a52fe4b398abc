import type { Command } from 'commander';
import type { CommandContext, RunCommand } from '../command-context.js';
import type { ExitCode } from '../exit-code.js';
import { bytes, count } from '../terminal/figures.js';
import { orderFiles } from '../upload/order-files.js';
import { uploadOf } from '../upload/upload.js';
import { startOperation, type StartOptions } from './started-operation.js';

/** `import PATH…`: uploads legacy files with one request, as one operation. */
export function addImportCommand(program: Command, run: RunCommand): void {
  program
    .command('import')
    .description('import legacy order files: a folder (its *.json), .json files, or one .zip')
    .argument('<path...>', 'folders or files; subfolders and symbolic links in folders are skipped')
    .option(
      '--key <key>',
      'Idempotency-Key: the same files with the same key are imported once (default: a random one)',
    )
    .option('--watch', 'watch the import until it ends')
    .option('--json', 'print the operation as JSON')
    .action(async (paths: string[], options: StartOptions, command: Command) =>
      run(command, async (context) => importFiles(context, paths, options)),
    );
}

async function importFiles(context: CommandContext, paths: string[], options: StartOptions): Promise<ExitCode> {
  const files = await orderFiles(paths, context.workingDirectory);
  const { headers, bytes: size, body } = await uploadOf(files);
  context.terminal.err.write(`Uploading ${count(files.length)} file${files.length === 1 ? '' : 's'}, ${bytes(size)}\n`);
  // No timeout: the producer responds after it has received all files, which can take any time.
  return startOperation(context, { path: '/v1/imports', headers, body, noTimeout: true }, options);
}
