import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { FreshProject } from '../packages/fresh-project.js';
import { HANG_GUARD_MS, fetchLimit } from '../support/eventually.js';
import { providePythonPackages, provideTestPart } from '../support/fetched-programs.js';
import { TestSystem } from '../support/test-system.js';
import { provideParts, systemJava } from '../../dev/parts/embedded-parts.js';
import { FetchProgress, VERSIONS } from '../../dev/parts/parts.js';
import { fetchMavenParts, requireMaven } from '../../dev/parts/package-clients.js';

const run = promisify(execFile);
const quiet = (): void => undefined;

/** OpenAPI Generator, run from its jar. */
class OpenApiGenerator {
  private constructor(
    private readonly java: string,
    private readonly jar: string,
  ) {}

  /** Finds the jar and a Java runtime in the cache, or fetches them. */
  static async provide(): Promise<OpenApiGenerator> {
    const signal = fetchLimit();
    const { java } = await provideParts({ kafka: true, registry: false, mongodb: false }, quiet, signal);
    const version = VERSIONS.openapiGenerator;
    const directory = await provideTestPart(`openapi-generator-${version}`, async (part) => {
      requireMaven();
      const javaHome = systemJava(8) === undefined ? join(java, '..', '..') : undefined;
      await fetchMavenParts(new Map([['openapi-generator', part]]), javaHome, new FetchProgress(quiet), signal);
    });
    return new OpenApiGenerator(java, join(directory, `openapi-generator-cli-${version}.jar`));
  }

  /** Generates a Python client. @throws Error with the generator's output for a document that it rejects */
  async generatePython(document: string, packageName: string, directory: string): Promise<void> {
    const args = ['generate', '-g', 'python', '-i', document, '--package-name', packageName, '-o', directory];
    await run(this.java, ['-XX:TieredStopAtLevel=1', '-jar', this.jar, ...args], { timeout: HANG_GUARD_MS });
  }
}

/** What a generated client imports, and the type checker. */
const PYTHON_PACKAGES = [
  'mypy==2.4.1',
  'pydantic==2.14.4',
  'python-dateutil==4.0.0',
  'types-python-dateutil==2.9.0.20261116',
  'typing-extensions==4.16.0',
  'urllib3==2.8.0',
];
const COMPILER_OPTIONS = {
  target: 'es2024',
  lib: ['es2024', 'dom'],
  module: 'nodenext',
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
};

/** The output of each client: it populates, then reads a page, an order by its id, and a range of four pages. */
const PRINTED = /^all saved\n1 acc-\d+ \d+\.\d{4} [A-Z]{3}\n1000\n$/;

describe('the clients of docs/query.md', () => {
  let pipeline: TestSystem;
  let folder: string;
  let page: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-clients-'));
    page = await readFile(join(PROJECT_DIRECTORY, 'docs', 'query.md'), 'utf8');
    pipeline = await TestSystem.start({ flags: ['--save-ms', '0..1'] });
  });

  afterAll(async () => {
    await pipeline.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Returns the page's code in a language, for the services of this run. */
  function codeIn(language: string): string {
    const code = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page)?.[1];
    if (code === undefined) throw new Error(`docs/query.md has no code in ${language}`);
    const { producerUrl, queryApiUrl } = pipeline;
    return code.replaceAll('http://localhost:3001', producerUrl).replaceAll('http://localhost:3000', queryApiUrl);
  }

  it('in TypeScript compiles, and runs with openapi-fetch and the types of openapi-typescript', async () => {
    const project = await FreshProject.create(join(folder, 'typescript'), ['openapi-fetch@0.17.0']);
    const generator = join(PROJECT_DIRECTORY, 'node_modules', 'openapi-typescript', 'bin', 'cli.js');
    const { producerUrl, queryApiUrl } = pipeline;
    for (const [name, url] of Object.entries({ producer: producerUrl, 'query-api': queryApiUrl })) {
      const output = join(project.directory, `${name}.d.ts`);
      await run(process.execPath, [generator, `${url}/docs-json`, '-o', output, '--default-non-nullable=false']);
    }
    await project.write('orders.ts', codeIn('ts'));
    await project.write('tsconfig.json', JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['orders.ts'] }));
    expect(await project.compile()).toEqual([]);
    const script = join(project.directory, 'orders.ts');
    const { stdout } = await run(process.execPath, [script], { timeout: HANG_GUARD_MS });
    expect(stdout).toMatch(PRINTED);
  });

  it('in Python passes mypy, and runs with the packages of OpenAPI Generator', async () => {
    const [generator, packages] = await Promise.all([
      OpenApiGenerator.provide(),
      providePythonPackages(...PYTHON_PACKAGES),
    ]);
    const clients = { orders_producer: pipeline.producerUrl, orders_query: pipeline.queryApiUrl };
    for (const [name, url] of Object.entries(clients))
      await generator.generatePython(`${url}/docs-json`, name, join(folder, name));
    const generated = Object.keys(clients).map((name) => join(folder, name));
    const directory = join(folder, 'python');
    await mkdir(directory);
    await writeFile(join(directory, 'orders.py'), codeIn('python'));
    const env = {
      ...process.env,
      PYTHONPATH: [packages, ...generated].join(delimiter),
      MYPYPATH: generated.join(delimiter),
    };
    const options = { cwd: directory, env, timeout: HANG_GUARD_MS };
    await run('python3', ['-m', 'compileall', '-q', ...generated], options);
    const checked = await run('python3', ['-m', 'mypy', 'orders.py'], options);
    expect(checked.stdout).toMatch(/^Success/);
    const { stdout } = await run('python3', ['orders.py'], options);
    expect(stdout).toMatch(PRINTED);
  });
});
