// `npm run admin -- …`: plans and makes what the services need, with the rights of an administrator.
import { existsSync } from 'node:fs';
import { runCommandLine } from './command-line.js';

if (existsSync('.env')) process.loadEnvFile('.env');
process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
});
