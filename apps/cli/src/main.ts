// `npm run orders -- …`: controls the producer from a terminal or a script.
import { runCommandLine } from './command-line.js';
import { processEnvironment } from './process-environment.js';

process.exitCode = await runCommandLine(process.argv.slice(2), processEnvironment());
