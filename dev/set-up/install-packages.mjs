import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';
import { hasPinnedNode, PROJECT, SetUpError } from './project.mjs';

const NEEDED_MIB = 800;
/** The published packages. Without the workspace `test`, npm installs a third of all packages, which is what the product needs. */
const PUBLISHED = ['libs/clock', 'libs/parallel-consumer', 'libs/nestjs-parallel-consumer'];
const PRODUCT_ONLY = ['--include-workspace-root', ...PUBLISHED.flatMap((workspace) => ['--workspace', workspace])];

/**
 * Installs the packages of package-lock.json unless they are installed already. Shows npm's own progress.
 * @param withTests whether those of tests and checks are needed too, besides those to build and run the product
 */
export function installPackages(withTests) {
  if (isInstalled(withTests)) return;
  requireSpace();
  console.log(withTests ? 'installing the packages of the product and its tests' : 'installing the packages');
  // `npm ci` begins with an empty folder, which a system that runs must not lose.
  const command = isInstalled(false) ? ['install', '--no-save'] : ['ci'];
  // Warnings are off: on Node 20, npm prints pages of engine warnings that don't matter, since everything runs on the pinned Node.
  const { status, error } = runNpm([...command, '--loglevel', 'error', ...(withTests ? [] : PRODUCT_ONLY)]);
  if (error?.code === 'ENOENT') {
    throw new SetUpError('There is no npm on the PATH.', 'Install Node.js 20 or newer with npm, then run this again.');
  }
  if (status !== 0) {
    throw new SetUpError(
      'The packages could not be installed: npm failed; its message is above.',
      "Check the network, npm's registry and proxy settings (npm config list) and the free disk space, then run this again. " +
        'Without Node.js packages, docker compose up runs everything in containers.',
    );
  }
  if (!hasPinnedNode()) {
    throw new SetUpError(
      'npm installed the package "node" but did not run its install script, which brings Node 24.',
      'Allow it (npm config set ignore-scripts false), delete node_modules, and run this again.',
    );
  }
  removeHeaders();
}

/** The package of Node.js brings the headers for native modules, 67 MiB, from which nothing is compiled here. */
function removeHeaders() {
  const packages = join(PROJECT, 'node_modules', 'node', 'node_modules');
  const platforms = existsSync(packages) ? readdirSync(packages).filter((name) => name.startsWith('node-')) : [];
  for (const name of platforms) rmSync(join(packages, name, 'include'), { recursive: true, force: true });
}

/**
 * Compares package-lock.json with npm's own record of the installation rather than with a separate stamp file. The record
 * also covers manual installations, and npm writes it last, so an interrupted installation has none.
 */
function isInstalled(withTests) {
  const record = join(PROJECT, 'node_modules', '.package-lock.json');
  if (!existsSync(record) || !hasPinnedNode()) return false;
  const wanted = packagesOf(join(PROJECT, 'package-lock.json'));
  const installed = packagesOf(record);
  return withTests ? agrees(wanted, installed) : agrees(ofProduct(wanted, installed), installed);
}

/** Returns whether every wanted package is installed in its version. Optional packages may be for another platform. */
function agrees(wanted, installed) {
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (path === '' || link) return true;
    const found = installed[path];
    return found === undefined ? optional === true : found.version === version;
  });
}

/** Returns those that package.json names, and those that are installed: npm installs a package with all that it needs. */
function ofProduct(wanted, installed) {
  const { dependencies, devDependencies } = wanted[''] ?? {};
  const named = Object.keys({ ...dependencies, ...devDependencies }).map((name) => `node_modules/${name}`);
  return Object.fromEntries([...named, ...Object.keys(installed)].map((path) => [path, wanted[path] ?? {}]));
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function requireSpace() {
  const { bavail, bsize } = statfsSync(PROJECT);
  const freeMiB = Math.floor((bavail * bsize) / 1024 / 1024);
  if (freeMiB >= NEEDED_MIB) return;
  throw new SetUpError(
    `The disk of ${PROJECT} has ${freeMiB} MiB free; the packages need ${NEEDED_MIB} MiB.`,
    'Free some, then run this again.',
  );
}

/**
 * Runs the npm that started this script, on that npm's Node. Entries of node_modules are removed from the PATH, because
 * the installation is about to delete them.
 */
function runNpm(args) {
  const { npm_node_execpath: node, npm_execpath: npm } = process.env;
  const ours = join(PROJECT, 'node_modules') + sep;
  const PATH = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((entry) => !entry.startsWith(ours))
    .join(delimiter);
  const options = { cwd: PROJECT, stdio: 'inherit', env: { ...process.env, PATH } };
  return node && npm && !node.startsWith(ours)
    ? spawnSync(node, [npm, ...args], options)
    : spawnSync('npm', args, options);
}
