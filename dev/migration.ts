// `npm run migration -- …`: the migration commands of the CLI, and the demo, which starts everything by itself.
import { runCommandLine } from '../apps/cli/src/command-line.js';
import { processEnvironment } from '../apps/cli/src/environment.js';
import { addDemoCommand } from './migration-demo/demo-command.js';

const exitCode = await runCommandLine(['migration', ...process.argv.slice(2)], processEnvironment(), addDemoCommand);
// The demo has set its own.
process.exitCode ||= exitCode;
