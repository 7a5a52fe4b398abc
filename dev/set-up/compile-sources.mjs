import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PINNED_NODE, PROJECT, SetUpError } from './project.mjs';

const DIST = join(PROJECT, 'dist');
const STAMP = join(DIST, '.sources');
const PACKAGES = ['clock', 'parallel-consumer', 'nestjs-parallel-consumer'];
const SOURCE_FOLDERS = ['apps', 'libs', 'dev', 'docs/openapi'];
const STEPS = [
  ['dev/set-up/api-types.mjs'],
  ['node_modules/typescript-native/bin/tsc', '-b', 'tsconfig.build.json'],
  ['apps/console/build-page.mjs'],
];
const SETTINGS = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Writes the types of the APIs, and compiles the packages, each into its own dist/, and then apps, libs and dev into dist/, if a source has changed. */
export function compileSources() {
  const now = listSources();
  const before = existsSync(STAMP) ? readFileSync(STAMP, 'utf8') : '';
  if (now === before) return;
  console.log('compiling the sources');
  // The output of a deleted source would remain importable.
  if (hasRemovedSource(before, now)) removeOutput();
  // Removed first, so that an interrupted or failed compilation is not taken for a complete one.
  rmSync(STAMP, { force: true });
  for (const step of STEPS) {
    const { status } = spawnSync(PINNED_NODE, step, { cwd: PROJECT, stdio: 'inherit' });
    if (status !== 0) throw compilationError();
  }
  mkdirSync(DIST, { recursive: true });
  writeFileSync(STAMP, now);
}

function removeOutput() {
  const outputs = [DIST, ...PACKAGES.map((name) => join(PROJECT, 'libs', name, 'dist'))];
  for (const output of outputs) rmSync(output, { recursive: true, force: true });
}

function compilationError() {
  return new SetUpError(
    'The sources do not compile; the errors are above.',
    'Fix them, or go back to a version that compiles.',
  );
}

/** Lists each source on a line with its size and modification time, which is faster than reading all contents. */
function listSources() {
  const files = SOURCE_FOLDERS.flatMap((folder) => filesUnder(folder)).filter((file) => isCompiled(file));
  return [...files, ...SETTINGS]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((file) => {
      const { mtimeMs, size } = statSync(join(PROJECT, file));
      return `${file} ${size} ${mtimeMs}\n`;
    })
    .join('');
}

function filesUnder(folder) {
  return readdirSync(join(PROJECT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    // A package has its output beside its sources.
    if (entry.name === 'dist') return [];
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

function isCompiled(file) {
  return /\.(ts|json)$|^apps\/console\/.*\.(mjs|css|html|svg)$/.test(file) && !file.endsWith('.spec.ts');
}

/** Returns whether a file of the earlier list is missing from the later one. */
export function hasRemovedSource(before, now) {
  const present = new Set(namesIn(now));
  return namesIn(before).some((name) => !present.has(name));
}

function namesIn(list) {
  return list.split('\n').map((line) => line.split(' ')[0]);
}
