// `npm run images`: pins the images of the Compose files, the Swarm stack and the Dockerfile to digests.
import { join } from 'node:path';
import { Argument, Command } from 'commander';
import { parseFlags } from './flags.js';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { explain, StackError } from './stack-error.js';
import { findUnpinned, pinImages, registryDigest } from './supply-chain/image-digests.js';

const FILES = ['docker-compose.yml', 'deploy/docker-compose.monitoring.yml', 'deploy/swarm/stack.yml', 'Dockerfile'];

const FLAGS = new Command('npm run images --')
  .description('Pins images to the digests that their tags have in their registries now.')
  .addArgument(
    new Argument('<command>', 'pin: writes the digests into the files; check: writes nothing').choices([
      'pin',
      'check',
    ]),
  )
  .argument('[files...]', 'files to read', FILES)
  .addHelpText(
    'after',
    `
Exit codes:
  0  done; check: every image is pinned to the newest image of its tag
  1  check: an image is not pinned, or its tag has a newer image
  2  the command line is invalid, or a file or a registry can't be read`,
  );

try {
  const [command, files] = parseFlags(FLAGS, process.argv.slice(2)).processedArgs as ['pin' | 'check', string[]];
  const paths = files.map((file) => join(PROJECT_DIRECTORY, file));
  const lines = await (command === 'pin' ? pinImages : findUnpinned)(paths, registryDigest);
  for (const line of lines) console.log(line);
  if (lines.length === 0) console.log('every image is pinned to the newest image of its tag');
  if (command === 'check' && lines.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof StackError ? explain(error) : error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
