import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { provideParts } from '../../dev/parts/embedded-parts.js';
import { FetchProgress } from '../../dev/parts/fetch-progress.js';
import { systemJava } from '../../dev/parts/java-runtime.js';
import { fetchMavenParts, requireMaven } from '../../dev/parts/maven-parts.js';
import { VERSIONS } from '../../dev/parts/versions.js';
import { provideTestPart } from '../support/foreign-clients/test-part.js';

const run = promisify(execFile);
const FETCH_WITHIN_MS = 240_000;
const GENERATED_WITHIN_MS = 60_000;
const quiet = (): void => undefined;

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
