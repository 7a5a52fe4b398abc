// `npm start`: runs the whole stack until it receives a stop signal. setup.mjs has installed and compiled everything before.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { DataDirectory } from './servers/data-directory.js';
import { reportUnknownSettings } from './settings/settings-catalog.js';
import { ALTERNATIVES, explain, StackError } from './stack-error.js';
import { readStackOptions } from './supervisor/stack-options.js';
import { Stack } from './supervisor/stack.js';
import { listenForStops, StopCounter } from './supervisor/stop-requests.js';
import { AppLogView } from './supervisor/terminal.js';

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(): Promise<void> {
  if (process.platform === 'win32') {
    throw new StackError(
      'unsupported-platform',
      'The embedded stack runs on Linux and macOS.',
      `Use WSL. ${ALTERNATIVES}`,
    );
  }
  const settings = join(PROJECT_DIRECTORY, '.env');
  if (existsSync(settings)) {
    process.loadEnvFile(settings);
    for (const line of reportUnknownSettings(readFileSync(settings, 'utf8'))) print(line);
  }
  const options = readStackOptions(process.argv.slice(2), process.env, PROJECT_DIRECTORY);
  const data = await DataDirectory.open(options.dataDirectory, print);
  const colorize = process.stdout.isTTY && !process.env['NO_COLOR'];
  const stack = new Stack(options, process.env, data, { print, view: new AppLogView(print, colorize) });
  const stop = new AbortController();
  const stopped = Promise.withResolvers<void>();
  const counter = new StopCounter({
    first: (reason) => {
      print(`stopping (${reason})`);
      stop.abort();
      stopped.resolve();
    },
    again: () =>
      print(
        'still draining; a third request stops everything at once, and records in flight are redelivered after the next start',
      ),
    force: () => {
      stack.kill();
      data.close();
      process.exit(1);
    },
  });
  listenForStops(counter, process.env);
  try {
    await Promise.race([stack.start(stop.signal).then(() => stopped.promise), stopped.promise]);
  } finally {
    stop.abort();
    await stack.stop();
    data.close();
  }
}

// A closed terminal must not interrupt the drain.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  await run();
  process.exit(0);
} catch (error) {
  process.stderr.write(`\n${explain(error)}\n`);
  process.exit(error instanceof StackError ? error.exitCode : 1);
}
