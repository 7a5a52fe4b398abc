// `npm run images -- pin`: pins each image of the Compose files and the Dockerfile to the digest that its tag has in its registry now.
// `npm run images -- check` writes nothing, and ends with 1 if an image is not pinned or its tag has a newer image.
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from './project-directory.js';
import { findUnpinned, pinImages, registryDigest } from './supply-chain/image-digests.js';

const FILES = ['docker-compose.yml', 'deploy/docker-compose.monitoring.yml', 'deploy/swarm/stack.yml', 'Dockerfile'];

const [command, ...given] = process.argv.slice(2);
const paths = (given.length > 0 ? given : FILES).map((file) => join(PROJECT_DIRECTORY, file));
try {
  if (command !== 'pin' && command !== 'check') throw new Error('command must be pin or check: npm run images -- pin');
  const lines = await (command === 'pin' ? pinImages : findUnpinned)(paths, registryDigest);
  for (const line of lines) console.log(line);
  if (lines.length === 0) console.log('every image is pinned to the newest image of its tag');
  if (command === 'check' && lines.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
