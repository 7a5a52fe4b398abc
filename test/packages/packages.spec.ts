import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { FreshProject, pack, versionOf } from './fresh-project.js';

const run = promisify(execFile);
const CLOCK = 'clock';
const ENGINE = 'parallel-consumer';
const STRATEGY = 'nestjs-parallel-consumer';
const PACKAGES = [CLOCK, ENGINE, STRATEGY];
/** The first one that runs the examples' TypeScript; zstd needs 22.15. */
const NODE_VERSION = '22.18';

interface Manifest {
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

describe('the packages, as npm would publish them', () => {
  let folder: string;
  const tarballs: Record<string, string> = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-packages-'));
    for (const library of PACKAGES) tarballs[library] = await pack(library, folder);
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  describe.each(PACKAGES)('%s', (library) => {
    let content: string;
    let files: string[];

    beforeAll(async () => {
      const into = join(folder, `content-of-${library}`);
      await mkdir(into);
      await run('tar', ['-xzf', String(tarballs[library]), '-C', into]);
      content = join(into, 'package');
      const entries = await readdir(content, { recursive: true, withFileTypes: true });
      files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    });

    it('contains the files that its exports name, its licence and its README', async () => {
      const { exports } = JSON.parse(await readFile(join(content, 'package.json'), 'utf8')) as Manifest;
      const named = Object.values(exports).flatMap((target) =>
        typeof target === 'string' ? [target] : Object.values(target),
      );
      expect(files).toEqual(
        expect.arrayContaining([...named, 'LICENSE', 'README.md'].map((path) => join(content, path))),
      );
    });

    it('contains no application code, no specs and no path of the build machine', async () => {
      const names = files.map((file) => file.slice(content.length));
      expect(
        names.filter((name) =>
          /spec\.|\.env|\.tsbuildinfo|\/(apps|orders|service|dev|behaviour|contract|simulation)\//.test(name),
        ),
      ).toEqual([]);
      for (const file of files) expect(await readFile(file, 'utf8')).not.toContain(PROJECT_DIRECTORY);
    });

    it('contains of its tests only what it exports', async () => {
      const names = files.map((file) => file.slice(content.length));
      expect(names.filter((name) => name.includes('/testing/') && !isExportedTesting(library, name))).toEqual([]);
    });

    it('needs the Node.js version that its README and the other packages name', async () => {
      const { engines } = JSON.parse(await readFile(join(content, 'package.json'), 'utf8')) as Manifest;
      expect(engines.node).toBe(`>=${NODE_VERSION}`);
      expect(await readFile(join(content, 'README.md'), 'utf8')).toContain(`Node.js ${NODE_VERSION} or newer`);
    });

    it('passes publint and attw', async () => {
      await expect(lint('publint/src/cli.js', 'run', String(tarballs[library]), '--strict')).resolves.toBeDefined();
      await expect(
        lint('@arethetypeswrong/cli/dist/index.js', String(tarballs[library]), '--profile', 'esm-only'),
      ).resolves.toBeDefined();
    });
  });

  it('the engine imports its entries in a project with only its peer dependencies, each of which one entry needs', async () => {
    const [clients, others] = await Promise.all(
      [
        ['kafkajs', '@platformatic/kafka'],
        ['prom-client', '@opentelemetry/api'],
      ].map(async (names) => Promise.all(names.map(async (name) => `${name}@${await versionOf(name)}`))),
    );
    const packed = [CLOCK, ENGINE].map((library) => String(tarballs[library]));
    const project = await FreshProject.create(join(folder, 'entries'), [...packed, ...(clients ?? [])]);
    const manifest = join(project.directory, 'node_modules', '@orders-pipeline', ENGINE, 'package.json');
    const { exports } = JSON.parse(await readFile(manifest, 'utf8')) as Manifest;
    const paths = Object.keys(exports).filter((path) => !path.endsWith('.json'));
    const attempts = paths.map(
      (path) => `await import('@orders-pipeline/${ENGINE}${path.slice(1)}').catch(() => missing.push('${path}'));`,
    );
    await project.write(
      'all.js',
      ['const missing = [];', ...attempts, "console.log('missing', ...missing);"].join('\n'),
    );
    const missing = async (): Promise<string> => {
      const script = project.start('all.js', {});
      await script.prints(/missing|Error/);
      return script.output;
    };
    expect(await missing()).toBe('missing ./opentelemetry ./prometheus\n');
    await project.install(...(others ?? []));
    expect(await missing()).toBe('missing\n');
  });
});

/** Runs a tool of this project; rejects with its output if it fails. */
async function lint(script: string, ...args: string[]): Promise<unknown> {
  return run(process.execPath, [join(PROJECT_DIRECTORY, 'node_modules', script), ...args]);
}

/** Whether a file belongs to the engine's entry `/testing`. */
function isExportedTesting(library: string, name: string): boolean {
  return library === ENGINE && /^\/(src|dist)\/testing\//.test(name);
}
