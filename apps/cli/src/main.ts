// `npm run orders -- …`: controls the producer from a terminal or a script.
import { runCommandLine } from './command-line.js';
import { processEnvironment } from './environment.js';

process.exitCode = await runCommandLine(process.argv.slice(2), processEnvironment());
