import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { delimiter, join, sep } from 'node:path';
import { hasPinnedNode, PROJECT, SetUpError } from './project.mjs';

const NEEDED_MIB = 800;

/** Installs the packages of package-lock.json unless they are installed already. Shows npm's own progress. */
export function installPackages() {
  if (isInstalled()) return;
  requireSpace();
  console.log('installing the packages (npm ci)');
  // Warnings are off: on Node 20, npm prints pages of engine warnings that don't matter, since everything runs on the pinned Node.
  const { status, error } = runNpm(['ci', '--loglevel', 'error']);
  if (error?.code === 'ENOENT') {
    throw new SetUpError('There is no npm on the PATH.', 'Install Node.js 20 or newer with npm, then run this again.');
  }
  if (status !== 0) {
    throw new SetUpError(
      'The packages could not be installed: npm ci failed; its message is above.',
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
}

/**
 * Compares package-lock.json with npm's own record of the installation rather than with a separate stamp file. The record
 * also covers manual installations, and npm writes it last, so an interrupted installation has none.
 */
function isInstalled() {
  const record = join(PROJECT, 'node_modules', '.package-lock.json');
  if (!existsSync(record) || !hasPinnedNode()) return false;
  return agrees(packagesOf(join(PROJECT, 'package-lock.json')), packagesOf(record));
}

/** Returns whether every wanted package is installed in its version. Optional packages may be for another platform. */
export function agrees(wanted, installed) {
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (path === '' || link) return true;
    const found = installed[path];
    return found === undefined ? optional === true : found.version === version;
  });
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
