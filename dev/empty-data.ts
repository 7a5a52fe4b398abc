// `npm run reset`: removes what the embedded stack has written to its data folder, and no other files.
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
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

async function emptyData(args: readonly string[]): Promise<void> {
  const directory = resolve(PROJECT_DIRECTORY, dataFlag(args));
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

function dataFlag(args: readonly string[]): string {
  try {
    return parseArgs({ args: [...args], options: { data: { type: 'string', default: '.data' } } }).values.data;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new StackError('bad-flag', message, 'npm run reset takes one flag, after a --: --data DIR (default .data)', {
      cause: error,
    });
  }
}

try {
  await emptyData(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(error instanceof StackError ? error.exitCode : 1);
}
