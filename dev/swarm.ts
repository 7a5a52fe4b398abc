// `deploy/swarm/up`, `down`, `status`, `rotate` and `backup`: small scripts that run this with their name.
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
  if (!(error instanceof SwarmError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
