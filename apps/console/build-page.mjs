// Bundles the console's page into dist/: one script, one style sheet, and a separate script for each dynamic import.
// Fails when the scripts exceed their limit. `--watch`: rebuilds on every change, until stdin ends; `--size`: prints the size. Plain JavaScript,
// because it runs while the sources are being compiled.
import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, context } from 'esbuild';

const PAGE = fileURLToPath(new URL('page/', import.meta.url));
/** Limit of all scripts together, compressed, so that the page loads fast on a slow connection. */
const MAX_GZIPPED_BYTES = 70_000;
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
else {
  const bytes = await gzippedBytes((await build(options)).metafile);
  if (process.argv.includes('--size')) console.log(`scripts: ${bytes} bytes gzipped, limit ${MAX_GZIPPED_BYTES}`);
  if (bytes > MAX_GZIPPED_BYTES)
    throw new Error(`The page's scripts must have at most ${MAX_GZIPPED_BYTES} bytes gzipped, they have ${bytes}.`);
}

/** @param {import('esbuild').Metafile | undefined} metafile */
async function gzippedBytes(metafile) {
  const scripts = Object.keys(metafile?.outputs ?? {}).filter((file) => file.endsWith('.js'));
  const sizes = scripts.map(async (file) => gzipSync(await readFile(join(PAGE, file))).length);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
