import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { StackError, ALTERNATIVES } from '../stack-error.js';
import type { FetchProgress } from './fetch-progress.js';
import { MavenProgress } from './maven-progress.js';
import { runClient } from './package-client.js';
import { installPart, type Part } from './part.js';
import { VERSIONS } from './versions.js';

/** The parts that Maven fetches, named after the executions in pom.xml. */
export type MavenPartName = keyof typeof GOALS;

const GOALS = {
  kafka: { goal: 'dependency:copy-dependencies@kafka', title: `Kafka ${VERSIONS.kafka}`, size: '43 MB' },
  'kafka-tools': { goal: 'dependency:copy@kafka-tools', title: `Kafka's tools ${VERSIONS.kafka}`, size: '0.8 MB' },
  'openapi-generator': {
    goal: 'dependency:copy@openapi-generator',
    title: `OpenAPI Generator ${VERSIONS.openapiGenerator}`,
    size: '30 MB',
  },
  registry: { goal: 'dependency:unpack@registry', title: `Apicurio Registry ${VERSIONS.registry}`, size: '158 MB' },
} as const;

/** @throws StackError `client-missing`, before anything is fetched */
export function requireMaven(): void {
  if (spawnSync('mvn', ['--version'], { stdio: 'ignore' }).error === undefined) return;
  throw new StackError(
    'client-missing',
    'Maven is needed to fetch Kafka and the schema registry, but there is no mvn on the PATH.',
    `Install Maven 3.6 or newer (on Debian and Ubuntu: apt install maven; on macOS: brew install maven). ${ALTERNATIVES}`,
  );
}

/**
 * Fetches the parts with one Maven run after the other: Maven's local repository isn't safe for concurrent runs.
 * @param javaHome for machines without a Java of their own
 * @throws StackError `fetch-failed`
 */
export async function fetchMavenParts(
  missing: ReadonlyMap<MavenPartName, Part>,
  javaHome: string | undefined,
  progress: FetchProgress,
  signal: AbortSignal,
): Promise<void> {
  for (const [name, part] of missing) await fetchOne(name, part, javaHome, progress, signal);
}

async function fetchOne(
  name: MavenPartName,
  part: Part,
  javaHome: string | undefined,
  progress: FetchProgress,
  signal: AbortSignal,
): Promise<void> {
  const { goal, title, size } = GOALS[name];
  const transfers = new MavenProgress();
  const work = await mkdtemp(join(tmpdir(), 'orders-maven-'));
  const run = (directory: string): Promise<void> =>
    runClient({
      command: 'mvn',
      args: [
        '-f',
        join(PROJECT_DIRECTORY, 'dev', 'pom.xml'),
        goal,
        `-Dwork.directory=${work}`,
        `-Dkafka.version=${VERSIONS.kafka}`,
        `-Dlog4j.version=${VERSIONS.log4j}`,
        `-Dregistry.version=${VERSIONS.registry}`,
        `-Dopenapi-generator.version=${VERSIONS.openapiGenerator}`,
        `-D${name}.directory=${directory}`,
      ],
      ...(javaHome === undefined ? {} : { env: { JAVA_HOME: javaHome } }),
      fetching: title,
      signal,
      onLine: (line) => transfers.read(line),
    });
  try {
    await progress.during(
      `${title}, ${size}, with Maven`,
      () => installPart(part, run),
      () => transfers.describe(),
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
