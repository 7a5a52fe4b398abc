import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';

/** A fake npm that installs only what the set-up checks, and records each run. */
const FAKE_NPM = `#!/bin/sh
echo "npm $*" >> npm-runs
rm -rf node_modules && mkdir node_modules
ln -s "$REAL_MODULES/node" "$REAL_MODULES/typescript-native" "$REAL_MODULES/@types" node_modules/
sleep 0.3
case "$*" in *--include-workspace-root*) lock=product-lock.json;; *) lock=package-lock.json;; esac
cp $lock node_modules/.package-lock.json
`;

/** A build script for a page of one line. */
const BUILD_PAGE = `import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
mkdirSync('dist/page', { recursive: true });
const page = readFileSync('apps/console/page.css', 'utf8');
if (page.includes('broken')) throw new Error('the page does not build');
writeFileSync('dist/page/page.css', page);
`;

describe('the set-up of a clone', () => {
  let project: string;

  beforeEach(async () => {
    project = await mkdtemp(join(tmpdir(), 'orders-set-up-'));
    await mkdir(join(project, 'dev'));
    await cp(join(PROJECT_DIRECTORY, 'dev', 'set-up'), join(project, 'dev', 'set-up'), { recursive: true });
    await cp(join(PROJECT_DIRECTORY, 'dev', 'setup.mjs'), join(project, 'dev', 'setup.mjs'));
    await writeFile(join(project, 'dev', 'set-up', 'api-types.mjs'), '');
    for (const folder of ['apps', 'libs', 'docs/openapi', 'bin'])
      await mkdir(join(project, folder), { recursive: true });
    await writeFile(join(project, 'bin', 'npm'), FAKE_NPM, { mode: 0o755 });
    await mkdir(join(project, 'apps', 'console'));
    await writeFile(join(project, 'apps', 'console', 'build-page.mjs'), BUILD_PAGE);
    await writeFile(join(project, 'apps', 'console', 'page.css'), 'one');
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    await writeFile(join(project, 'apps', 'one.ts'), 'export const one = 1;\n');
    await wantPackages({ 'node_modules/a': { version: '1.0.0' } });
    const options = {
      rootDir: '.',
      outDir: 'dist',
      module: 'nodenext',
      strict: true,
      types: [],
      skipLibCheck: true,
      lib: ['es2022'],
    };
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }));
    await writeFile(join(project, 'tsconfig.build.json'), '{ "extends": "./tsconfig.json", "include": ["apps"] }');
  });

  afterEach(() => rm(project, { recursive: true, force: true }));

  it('installs and compiles on a fresh clone, and does nothing the second time', async () => {
    expect(await setUp()).toMatchObject({ code: 0, output: expect.stringContaining('compiling the sources') });
    expect(await npmRuns()).toEqual([expect.stringMatching(/^npm ci .*--include-workspace-root /)]);
    expect(await read('dist/apps/one.js')).toContain('one = 1');
    expect(await setUp()).toEqual({ code: 0, output: '' });
    expect((await npmRuns()).length).toBe(1);
  });

  it('adds the packages of the tests when they are needed, without removing the others', async () => {
    await wantPackages({ 'node_modules/a': { version: '1.0.0' } }, { 'node_modules/jest': { version: '1.0.0' } });
    await setUp();
    expect(await setUp()).toEqual({ code: 0, output: '' });
    await setUp('--tests');
    expect((await npmRuns())[1]).toBe('npm install --no-save --loglevel error');
    expect(await setUp('--tests')).toEqual({ code: 0, output: '' });
  });

  it('installs again when the wanted packages have changed', async () => {
    await setUp();
    await wantPackages({ 'node_modules/a': { version: '1.1.0' } });
    await setUp();
    expect((await npmRuns()).length).toBe(2);
  });

  it('ignores a missing package for another platform', async () => {
    await setUp();
    await wantPackages({
      'node_modules/a': { version: '1.0.0' },
      'node_modules/mac-only': { version: '1.0.0', optional: true },
    });
    await setUp();
    expect((await npmRuns()).length).toBe(1);
  });

  it('compiles again after a change, and removes the output of deleted sources', async () => {
    await setUp();
    await writeFile(join(project, 'apps', 'two.ts'), 'export const two = 2;\n');
    await unlink(join(project, 'apps', 'one.ts'));
    await setUp();
    expect(await read('dist/apps/two.js')).toContain('two = 2');
    await expect(read('dist/apps/one.js')).rejects.toThrow('ENOENT');
  });

  it('reports compile errors, and compiles again once they are fixed', async () => {
    await writeFile(join(project, 'apps', 'one.ts'), 'export const one: string = 1;\n');
    const failed = await setUp();
    expect(failed).toMatchObject({ code: 1, output: expect.stringContaining('error TS2322') });
    expect((await setUp()).code).toBe(1);
    await writeFile(join(project, 'apps', 'one.ts'), 'export const one = 1;\n');
    expect((await setUp()).code).toBe(0);
  });

  it('builds the page of the console, rebuilds it after a change, and reports a failure', async () => {
    await setUp();
    expect(await read('dist/page/page.css')).toBe('one');
    await writeFile(join(project, 'apps', 'console', 'page.css'), 'two');
    await setUp();
    expect(await read('dist/page/page.css')).toBe('two');
    await writeFile(join(project, 'apps', 'console', 'page.css'), 'broken');
    expect(await setUp()).toMatchObject({ code: 1, output: expect.stringContaining('the page does not build') });
  });

  it('installs once when two set-ups start concurrently', async () => {
    const both = await Promise.all([setUp(), setUp()]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect((await npmRuns()).length).toBe(1);
    expect(both.map(({ output }) => output).join('')).toContain('waiting for another set-up');
  });

  it('takes over from a set-up that was killed', async () => {
    await mkdir(join(project, '.cache', 'set-up.lock'), { recursive: true });
    await writeFile(join(project, '.cache', 'set-up.lock', 'pid'), '4194305');
    expect((await setUp()).code).toBe(0);
  });

  it('names a remedy when npm fails or is missing', async () => {
    await writeFile(join(project, 'bin', 'npm'), '#!/bin/sh\necho "npm error network" >&2\nexit 1\n');
    expect(await setUp()).toMatchObject({
      code: 1,
      output: expect.stringMatching(/npm error network[^]*npm failed[^]*Check the network/),
    });
    await unlink(join(project, 'bin', 'npm'));
    await symlink('/bin/sh', join(project, 'bin', 'sh'));
    expect(await setUp('', join(project, 'bin'))).toMatchObject({
      code: 1,
      output: expect.stringContaining('There is no npm on the PATH'),
    });
  });

  async function wantPackages(packages: object, ofTests: object = {}): Promise<void> {
    await writeFile(join(project, 'product-lock.json'), JSON.stringify({ packages }));
    await writeFile(join(project, 'package-lock.json'), JSON.stringify({ packages: { ...packages, ...ofTests } }));
  }

  function read(path: string): Promise<string> {
    return readFile(join(project, path), 'utf8');
  }

  async function npmRuns(): Promise<string[]> {
    return (await read('npm-runs')).trim().split('\n');
  }

  async function setUp(
    flag = '',
    PATH = `${join(project, 'bin')}:/usr/bin:/bin`,
  ): Promise<{ code: number | null; output: string }> {
    const { npm_execpath: _npm, npm_node_execpath: _node, ...env } = process.env;
    const child = spawn(process.execPath, [join(project, 'dev', 'setup.mjs'), flag], {
      cwd: project,
      env: { ...env, PATH, REAL_MODULES: join(PROJECT_DIRECTORY, 'node_modules') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const { promise, resolve } = Promise.withResolvers<number | null>();
    child.once('close', resolve);
    return { code: await promise, output };
  }
});
