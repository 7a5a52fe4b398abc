import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runClient } from '../../dev/parts/package-clients.js';
import { installPart } from '../../dev/parts/parts.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { fetchLimit, eventually } from '../support/eventually.js';
import { provideTestPart } from '../support/fetched-programs.js';
import { freePort } from '../../dev/machine/ports.js';
import type { GivenServers } from '../support/own-servers.js';
import { StartedApp } from '../support/started-app.js';

/** The version before the current one in CHANGELOG.md. */
export const PREVIOUS_VERSION = '0.1.0';
/** The last commit of its day, 2026-11-25. */
const COMMIT = '0ddacebbd1fe9038998b03ae7dd316ff9a446920';
const run = promisify(execFile);

/** A version of the product, compiled in a folder. */
export interface Release {
  readonly version: string;
  readonly directory: string;
}

/** The version that is being developed, from this folder. */
export function currentRelease(): Release {
  const text = readFileSync(join(PROJECT_DIRECTORY, 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return { version, directory: PROJECT_DIRECTORY };
}

/**
 * Takes the previous version from the history of this repository, installs its packages and compiles it by its own set-up. All of it stays in
 * the cache.
 * @throws Error if the history lacks it, such as in a shallow clone
 */
export async function providePreviousRelease(): Promise<Release> {
  const directory = await provideTestPart(`release-${PREVIOUS_VERSION}-${COMMIT.slice(0, 8)}`, async (part) =>
    installPart(part, build),
  );
  return { version: PREVIOUS_VERSION, directory };
}

async function build(directory: string): Promise<void> {
  await requireHistory();
  await extract(directory);
  await runClient({
    command: process.execPath,
    args: ['dev/setup.mjs'],
    cwd: directory,
    env: withoutPackageOfNpm(),
    fetching: `version ${PREVIOUS_VERSION} of the pipeline`,
    signal: fetchLimit(),
  });
}

async function requireHistory(): Promise<void> {
  try {
    await run('git', ['cat-file', '-e', `${COMMIT}^{commit}`], { cwd: PROJECT_DIRECTORY });
  } catch (cause) {
    throw new Error(
      `The history of this clone lacks commit ${COMMIT}, which is version ${PREVIOUS_VERSION}. ` +
        'Fetch the whole history: git fetch --unshallow. Without a repository, these tests cannot run.',
      { cause },
    );
  }
}

/** By a file: `tar` closes a pipe at the end of the archive, which may be before `git` has written its padding. */
async function extract(directory: string): Promise<void> {
  const archive = join(directory, 'release.tar');
  await run('git', ['archive', `--output=${archive}`, COMMIT], { cwd: PROJECT_DIRECTORY });
  await run('tar', ['-xf', archive, '-C', directory]);
  await rm(archive);
}

/** Removes what npm says about the package whose script it runs: it is another one. */
function withoutPackageOfNpm(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter((name) =>
    /^(npm_package_|npm_lifecycle_|npm_config_local_prefix$)/.test(name),
  );
  return Object.fromEntries([...names, 'INIT_CWD'].map((name) => [name, undefined]));
}

const SERVICES = ['query-api', 'console', 'consumer', 'producer'] as const;
/** Two of each service that clients or partitions can change over to. */
const MEMBERS = [
  'query-api-1',
  'query-api-2',
  'console-1',
  'consumer-1',
  'consumer-2',
  'producer-1',
  'producer-2',
] as const;

type Service = (typeof SERVICES)[number];
export type MemberName = (typeof MEMBERS)[number];

/** Readers first: they know what both versions write. Then the writers, consumers before the producers that count on their reports. */
export const FORWARD: readonly MemberName[] = MEMBERS;
export const BACK: readonly MemberName[] = MEMBERS.toReversed();

interface Member {
  readonly port: number;
  release: Release;
  app: StartedApp;
}

/** The services of a deployment on given servers, each in a version of its own, at an address that it keeps. */
export class Fleet {
  private readonly members = new Map<MemberName, Member>();

  /** @param settings settings of a service besides the servers, by name */
  constructor(
    private readonly servers: GivenServers,
    private readonly settings: Partial<Record<Service, NodeJS.ProcessEnv>>,
    private readonly note: (line: string) => void,
  ) {}

  /** Starts all services. Resolves when they are ready. @param settings further settings of a service, until it is replaced */
  async start(release: Release, settings: Partial<Record<Service, NodeJS.ProcessEnv>> = {}): Promise<void> {
    const start = async (name: MemberName): Promise<void> =>
      this.startMember(name, release, await freePort(), settings[serviceOf(name)]);
    await Promise.all(MEMBERS.filter((name) => serviceOf(name) !== 'console').map(start));
    // The console is given the addresses of the others.
    await start('console-1');
    this.note(`${MEMBERS.length} services of ${release.version} are ready`);
  }

  /** Stops a service as an orchestrator does, and starts it in this version at the same address. Resolves when it is ready. */
  async replace(name: MemberName, release: Release): Promise<void> {
    const { app, port, release: before } = this.member(name);
    app.signal('SIGTERM');
    const code = await app.exitCode();
    if (code !== 0) throw new Error(`${name} of ${before.version} ended with ${code}: ${this.lastLines(name)}`);
    await this.startMember(name, release, port);
    this.note(`${name}: ${before.version} has stopped, ${release.version} is ready`);
  }

  /** The addresses of a service, of all versions. */
  urls(service: Service): readonly string[] {
    return [...this.members].flatMap(([name, { app }]) => (serviceOf(name) === service ? [app.url] : []));
  }

  url(name: MemberName): string {
    return this.member(name).app.url;
  }

  /** Ends all services in any state. */
  async end(): Promise<void> {
    await Promise.all([...this.members.values()].map(async ({ app }) => app.kill()));
  }

  private async startMember(
    name: MemberName,
    release: Release,
    port: number,
    settings: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    const service = serviceOf(name);
    const env = { ...this.servers, LOG_LEVEL: 'info', INSTANCE_NAME: name, ...this.settingsOf(service), ...settings };
    const app = await StartedApp.start(service, env, { directory: release.directory, port });
    this.members.set(name, { port, release, app });
    await eventually(`${name} of ${release.version} is ready`, async () => {
      const readiness = await app.readiness();
      return readiness.status === 200 || { ...readiness, log: this.lastLines(name) };
    });
  }

  private settingsOf(service: Service): NodeJS.ProcessEnv {
    const own = this.settings[service] ?? {};
    if (service !== 'console') return own;
    const [producer, queryApi] = [this.members.get('producer-1'), this.members.get('query-api-1')];
    const urls = { PRODUCER_URL: producer?.app.url, QUERY_API_URL: queryApi?.app.url };
    return { ...own, ...Object.fromEntries(Object.entries(urls).filter(([, url]) => url !== undefined)) };
  }

  private member(name: MemberName): Member {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`${name} was not started`);
    return member;
  }

  private lastLines(name: MemberName): string {
    return this.member(name)
      .app.log.slice(-5)
      .map((line) => JSON.stringify(line))
      .join('\n');
  }
}

function serviceOf(name: MemberName): Service {
  return name.replace(/-\d$/, '') as Service;
}
