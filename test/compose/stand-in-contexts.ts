import { cp, mkdir } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { CachedParts } from './cached-parts.js';
import { ComposeTestError } from './compose-test-error.js';

/** The machine's trusted certificates, at the path that Debian, macOS's ports and most gateways' instructions use. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/**
 * Creates a build context for each stand-in: its Dockerfile and scripts from test/compose/stand-ins, and its programs.
 * The programs are copied, since links can't point outside of a context.
 */
export async function createStandInContexts(folder: string, parts: CachedParts): Promise<void> {
  const { embedded, javaHome, npm, mongosh } = parts;
  if (!isAbsolute(embedded.mongod)) {
    throw new ComposeTestError(
      'unsupported-platform',
      `The stand-in for mongo:8 needs mongod from the Python wheel, which needs pip: install it (apt install python3-pip).`,
    );
  }
  await cp(join(PROJECT_DIRECTORY, 'test', 'compose', 'stand-ins'), folder, { recursive: true });
  const programs: readonly (readonly [from: string, to: string])[] = [
    [join(PROJECT_DIRECTORY, 'node_modules', 'node', 'bin', 'node'), 'node/node'],
    [join(npm, 'node_modules', 'npm'), 'node/npm'],
    [CERTIFICATES, 'node/ca-certificates.crt'],
    [javaHome, 'kafka/java'],
    [embedded.kafkaJars, 'kafka/libs'],
    [javaHome, 'registry/java'],
    [embedded.registryDirectory, 'registry/app'],
    [embedded.mongod, 'mongodb/mongod'],
    [mongosh, 'mongodb/mongosh'],
  ];
  for (const [from, to] of programs) {
    const target = join(folder, to);
    await mkdir(dirname(target), { recursive: true });
    await cp(from, target, { recursive: true, verbatimSymlinks: true });
  }
}
