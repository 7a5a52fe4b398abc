// `deploy/swarm/up`, `down`, `status`, `rotate` and `backup`: small scripts that run this with their name.
import { CommanderError } from 'commander';
import { swarmCommandLine } from './swarm/command-line.js';
import { SwarmError } from './swarm/docker.js';

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  const program = swarmCommandLine({ env: process.env, print }, (code) => {
    process.exitCode = code;
  });
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own error, or the help.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof SwarmError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } else throw error;
}
