import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { provideParts } from '../../dev/parts/embedded-parts.js';
import { FetchProgress } from '../../dev/parts/fetch-progress.js';
import { systemJava } from '../../dev/parts/java-runtime.js';
import { fetchMavenParts, requireMaven } from '../../dev/parts/maven-parts.js';
import { runClient } from '../../dev/parts/package-client.js';
import { installPart } from '../../dev/parts/part.js';
import { VERSIONS } from '../../dev/parts/versions.js';
import { provideTestPart } from '../support/foreign-clients/test-part.js';

const run = promisify(execFile);
const FETCH_WITHIN_MS = 240_000;
const GENERATED_WITHIN_MS = 60_000;
const quiet = (): void => undefined;

/** What a generated client imports, and the type checker. */
const PYTHON_PACKAGES = [
  'mypy==2.4.1',
  'pydantic==2.14.4',
  'python-dateutil==4.0.0',
  'types-python-dateutil==2.9.0.20261116',
  'typing-extensions==4.16.0',
  'urllib3==2.8.0',
];

/** OpenAPI Generator, run from its jar. */
export class OpenApiGenerator {
  private constructor(
    private readonly java: string,
    private readonly jar: string,
  ) {}

  /** Finds the jar and a Java runtime in the cache, or fetches them. */
  static async provide(): Promise<OpenApiGenerator> {
    const signal = AbortSignal.timeout(FETCH_WITHIN_MS);
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
    await run(this.java, ['-XX:TieredStopAtLevel=1', '-jar', this.jar, ...args], { timeout: GENERATED_WITHIN_MS });
  }
}

/** Returns the folder of the Python packages; pip fetches them once into the cache. */
export async function providePythonPackages(): Promise<string> {
  // Some wheels are built for one Python version: another python3 on the PATH needs others.
  const { stdout } = await run('python3', ['-c', 'import sys; print(sys.implementation.cache_tag)']);
  return provideTestPart(`openapi-python-client-${VERSIONS.openapiGenerator}-${stdout.trim()}`, (part) =>
    installPart(part, (directory) =>
      runClient({
        command: 'python3',
        args: ['-m', 'pip', 'install', '--quiet', '--no-input', '--target', directory, ...PYTHON_PACKAGES],
        // A `user = true` in the user's pip settings can't be combined with --target.
        env: { PIP_USER: '0', PIP_ROOT_USER_ACTION: 'ignore' },
        fetching: 'the packages of a generated Python client',
        signal: AbortSignal.timeout(FETCH_WITHIN_MS),
      }),
    ),
  );
}
