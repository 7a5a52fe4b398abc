// Bundles the console's page into dist/: one script, one style sheet, and a separate script for each dynamic import.
// `--watch`: rebuilds on every change, until stdin ends. Plain JavaScript, because it runs while the sources are being compiled.
import { cp, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build, context } from 'esbuild';

const PAGE = fileURLToPath(new URL('page/', import.meta.url));
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
  // Licence comments stay in the packages.
  legalComments: 'none',
  logLevel: 'warning',
};

await mkdir(OUT, { recursive: true });
for (const file of ['index.html', 'icon.svg']) await cp(`${PAGE}${file}`, `${OUT}${file}`);
if (process.argv.includes('--watch')) await (await context(options)).watch();
else await build(options);
