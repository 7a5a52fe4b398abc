import { freePort } from '../../dev/machine/ports.js';
import type { GivenServers } from '../support/empty-servers.js';
import { eventually } from '../support/eventually.js';
import { StartedApp } from '../support/started-app.js';
import type { Release } from './releases.js';

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

export type Service = (typeof SERVICES)[number];
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
