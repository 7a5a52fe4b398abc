// Bundles the console's page into dist/: the scripts that open it, one style sheet, and a separate script for each dynamic import.
// Fails when scripts exceed their limit. `--watch`: rebuilds on every change, until stdin ends; `--size`: prints the sizes. Plain JavaScript,
// because it runs while the sources are being compiled.
import { cp, mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, context } from 'esbuild';

const PAGE = fileURLToPath(new URL('page/', import.meta.url));
/** Limit of the scripts that open the page together, compressed, so that it loads fast on a slow connection. */
const MAX_OPENING_BYTES = 70_000;
/** Limit of each script that loads later: at a sign-in, and with the migration. */
const MAX_LATER_BYTES = 12_000;
const OUT = fileURLToPath(new URL('../../dist/apps/console/page/', import.meta.url));

/** @type {import('esbuild').BuildOptions} */
const options = {
  absWorkingDir: PAGE,
  entryPoints: ['main.ts', 'style.css'],
  outdir: OUT,
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2023',
  minify: true,
  sourcemap: 'linked',
  metafile: true,
  // Licence comments stay in the packages.
  legalComments: 'none',
  logLevel: 'warning',
};

await mkdir(OUT, { recursive: true });
for (const file of ['index.html', 'icon.svg']) await cp(`${PAGE}${file}`, `${OUT}${file}`);
if (process.argv.includes('--watch')) await (await context(options)).watch();
else await checkSizes((await build(options)).metafile?.outputs ?? {});

/** @param {import('esbuild').Metafile['outputs']} outputs */
async function checkSizes(outputs) {
  const scripts = Object.keys(outputs).filter((file) => file.endsWith('.js'));
  const opening = openingScripts(outputs, scripts.find((file) => outputs[file]?.entryPoint === 'main.ts') ?? '');
  const sizes = new Map(await Promise.all(scripts.map(async (file) => [file, await gzippedBytes(file)])));
  const later = scripts.filter((file) => !opening.has(file));
  check(
    'opening the page',
    MAX_OPENING_BYTES,
    [...opening].reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0),
  );
  for (const file of later) check(basename(file), MAX_LATER_BYTES, sizes.get(file) ?? 0);
}

/**
 * Returns a script and all scripts that it imports statically.
 * @param {import('esbuild').Metafile['outputs']} outputs
 * @param {string} file
 * @returns {Set<string>}
 */
function openingScripts(outputs, file, found = new Set([file])) {
  for (const { path, kind } of outputs[file]?.imports ?? [])
    if (kind === 'import-statement' && !found.has(path)) openingScripts(outputs, path, found.add(path));
  return found;
}

/**
 * @param {string} what
 * @param {number} limit
 * @param {number} bytes
 */
function check(what, limit, bytes) {
  if (process.argv.includes('--size')) console.log(`${what}: ${bytes} bytes gzipped, limit ${limit}`);
  if (bytes > limit) throw new Error(`Scripts must have at most ${limit} bytes gzipped; ${what}: ${bytes}.`);
}

/** @param {string} file */
async function gzippedBytes(file) {
  return gzipSync(await readFile(join(PAGE, file))).length;
}
