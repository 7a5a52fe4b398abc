// `npm run reset`: removes what the embedded stack has written to its data folder, and no other files.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { parseFlags } from './flags.js';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { DataDirectory } from './servers/data-directory.js';
import { explain, StackError } from './stack-error.js';

const MADE_BY_THE_STACK = [
  'kafka',
  'registry',
  'mongodb',
  // Of a replicated stack.
  ...[1, 2, 3].flatMap((n) => [`kafka-${n}`, `mongodb-${n}`]),
  'logs',
  'stack.json',
  'processes.json',
  'page-token-secret',
  'prometheus-targets.json',
];

const FLAGS = new Command('npm run reset --')
  .description('Removes what the embedded stack has written, and no other files.')
  .option('--data <folder>', 'folder of the data', '.data');

async function emptyData(): Promise<void> {
  const { data: folder } = parseFlags(FLAGS, process.argv.slice(2)).opts<{ data: string }>();
  const directory = resolve(PROJECT_DIRECTORY, folder);
  if (!existsSync(directory)) {
    process.stdout.write(`nothing to empty: there is no ${directory}\n`);
    return;
  }
  const data = await DataDirectory.open(directory, (line) => process.stdout.write(`${line}\n`));
  try {
    const present = MADE_BY_THE_STACK.filter((name) => existsSync(join(directory, name)));
    for (const name of present) await rm(join(directory, name), { recursive: true, force: true });
    process.stdout.write(
      present.length === 0 ? `${directory} was empty\n` : `removed ${present.join(', ')} from ${directory}\n`,
    );
  } finally {
    data.close();
  }
}

try {
  await emptyData();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(error instanceof StackError ? error.exitCode : 1);
}
