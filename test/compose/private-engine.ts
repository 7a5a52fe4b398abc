import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isErrno, machineProcesses } from '../../dev/machine/processes.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { openLog, readLastLines } from '../../dev/servers/log-file.js';
import { ProcessRecords } from '../../dev/servers/data-directory.js';
import { provideCommand } from '../support/fetched-programs.js';
import { eventually } from '../support/eventually.js';
import { z } from 'zod';
import { freePort } from '../../dev/machine/ports.js';

const EMPTY_WITHIN_MS = 60_000;
const LAST_LINES = 25;
const SWARM_STATE = ['info', '--format', '{{.Swarm.LocalNodeState}}'];
/** The variables that a client inherits. Others, such as the user's KAFKA_PORT or DOCKER_CONTEXT, would change the test. */
const INHERITED = ['PATH', 'HOME', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/**
 * A Docker engine that shares nothing with the machine's own, and its client. Data, sockets and log are in one folder.
 *
 * The engine runs in its own PID and mount namespaces: when their first process ends, the kernel ends all others and removes
 * their mounts. It has no default bridge, and changes neither firewall rules nor kernel settings: two engines would overwrite each
 * other's changes, and nothing would revert them. So its containers reach each other, and the machine reaches published ports
 * through the engine's own forwarder. They don't reach the internet, which isn't needed here.
 */
export class PrivateEngine {
  /** The configuration folder of its clients. */
  readonly configDirectory: string;
  private readonly records: ProcessRecords;

  /**
   * @param directory only one run at a time may use it; a short path: that of a socket in it is limited to 107 characters
   * @param signal ends the clients, but not their work in the engine
   */
  constructor(
    private readonly directory: string,
    private readonly signal: AbortSignal,
  ) {
    this.configDirectory = join(directory, 'config');
    this.records = new ProcessRecords(directory, machineProcesses);
  }

  /**
   * Starts the engine, which `remove` ends. Installs Docker with apt if necessary.
   * @throws if it isn't ready within 60 s, with the last lines of its log
   */
  async start(): Promise<void> {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      throw new Error('A private Docker engine needs root on Linux: run it with sudo, or as root in CI.');
    }
    for (const command of ['dockerd', 'docker']) await provideCommand(command, 'docker.io', this.signal);
    await mkdir(this.configDirectory, { recursive: true });
    const ended = await this.launch();
    try {
      await eventually('the engine is ready', () => {
        ended.throwIfAborted();
        this.signal.throwIfAborted();
        return this.docker(['version']).then(
          () => true,
          () => false,
        );
      });
    } catch (error) {
      this.signal.throwIfAborted();
      throw new Error(`dockerd did not start. Its log:\n${readLastLines(this.logFile)}`, { cause: error });
    }
  }

  /** Returns the output of the `docker` command. Throws with the last lines of its standard error. */
  async docker(args: readonly string[], env: NodeJS.ProcessEnv = {}, signal = this.signal): Promise<string> {
    return this.output('docker', args, { env, signal });
  }

  /** Returns the output of a command in a shell, whose `docker` is this engine's. @param input its stdin. Throws as `docker` */
  async shell(command: string, env: NodeJS.ProcessEnv, input = ''): Promise<string> {
    return this.output('bash', ['-c', command], { env, signal: this.signal, input });
  }

  private async output(
    program: string,
    args: readonly string[],
    { env, signal, input = '' }: { env: NodeJS.ProcessEnv; signal: AbortSignal; input?: string },
  ): Promise<string> {
    try {
      const running = promisify(execFile)(program, args, {
        cwd: PROJECT_DIRECTORY,
        env: {
          ...Object.fromEntries(INHERITED.map((name) => [name, process.env[name]])),
          DOCKER_HOST: `unix://${this.socket}`,
          DOCKER_CONFIG: this.configDirectory,
          // Otherwise Compose looks for the build plugin (buildx), which Debian's package doesn't contain.
          COMPOSE_BAKE: 'false',
          ...env,
        },
        maxBuffer: 256 * 1024 * 1024,
        signal,
      });
      // A program that ends without reading its stdin closes it: its exit code says whether that matters.
      running.child.stdin?.on('error', () => undefined);
      running.child.stdin?.end(input);
      return (await running).stdout.trim();
    } catch (error) {
      signal.throwIfAborted();
      const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
      const lines = output.trim().split('\n').slice(-LAST_LINES);
      // The last line says why, and reports of runs may show only the first one.
      throw new Error(`${lines.at(-1)}\n${program} ${args.join(' ')} failed:\n${lines.join('\n')}`, { cause: error });
    }
  }

  /** Ends the engine with all that runs in it, and removes its folder. Works in any state, also after a killed run. */
  async remove(): Promise<void> {
    if (this.records.running().length > 0) await this.empty();
    await eventually('the engine ends', () => {
      const running = this.records.running();
      for (const { pid } of running) {
        for (const first of childrenOf(pid)) machineProcesses.signal(first, 'SIGKILL');
      }
      return running.length === 0;
    });
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  /** Starts the process. The returned signal aborts when it has ended. */
  private async launch(): Promise<AbortSignal> {
    // Without a configuration file of its own, it would read the machine's in /etc/docker.
    const configFile = join(this.directory, 'daemon.json');
    await writeFile(configFile, '{}');
    const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const flags = [
      `--config-file=${configFile}`,
      `--data-root=${join(this.directory, 'data')}`,
      `--exec-root=${join(this.directory, 'exec')}`,
      `--pidfile=${join(this.directory, 'docker.pid')}`,
      `--host=unix://${this.socket}`,
      '--bridge=none',
      '--iptables=false',
      '--ip6tables=false',
      '--ip-forward=false',
      '--ip-masq=false',
    ];
    const log = openLog(this.logFile);
    // A separate process group: otherwise Ctrl-C would end the engine before its networks have been removed.
    const child = spawn('unshare', [...namespaces, 'dockerd', ...flags], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    log.close();
    if (child.pid !== undefined) this.records.add('server', 'dockerd', child.pid);
    const ended = new AbortController();
    child.once('error', (error) => ended.abort(error));
    child.once('exit', (code) => ended.abort(new Error(`dockerd ended with ${code}`)));
    child.unref();
    return ended.signal;
  }

  /** Removes containers and networks through the engine: when it ends, it would leave the bridges of its networks on the machine. */
  private async empty(): Promise<void> {
    const signal = AbortSignal.timeout(EMPTY_WITHIN_MS);
    try {
      // Otherwise Swarm would start each removed container again.
      if ((await this.docker(SWARM_STATE, {}, signal)) === 'active')
        await this.docker(['swarm', 'leave', '--force'], {}, signal);
      const containers = (await this.docker(['ps', '--all', '--quiet'], {}, signal)).split('\n').filter(Boolean);
      if (containers.length > 0) await this.docker(['rm', '--force', '--volumes', ...containers], {}, signal);
      await this.docker(['network', 'prune', '--force'], {}, signal);
    } catch (error) {
      // A hung engine must be ended all the same.
      console.log(`The engine could not be emptied: ${String(error)}`);
    }
  }

  /** The path of its socket. */
  get socket(): string {
    return join(this.directory, 'docker.sock');
  }

  private get logFile(): string {
    return join(this.directory, 'dockerd.log');
  }
}

/** Returns the children of a process with a single thread. `unshare` has one: the first process of its PID namespace. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Only what never becomes healthy takes this long, on the slowest machine too. */
const HEALTHY_WITHIN_S = 15 * 60;
const PUBLISHED = [
  'PRODUCER_PORT',
  'QUERY_API_PORT',
  'CONSOLE_PORT',
  'ISSUER_PORT',
  'KAFKA_PORT',
  'REGISTRY_PORT',
  'MONGODB_PORT',
] as const;

/** The ports that docker-compose.yml publishes on 127.0.0.1, by their environment variables. */
type PublishedPorts = Readonly<Record<(typeof PUBLISHED)[number], number>>;

/** The settings of traces for a service `collector`, which runs `/collector.mjs` of the stand-in for Node.js. */
export const TRACED = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
};

/** The profiles of docker-compose.yml. */
type Profile = 'dev' | 'legacy';

/** The fields of `docker compose ps` that the run reads. */
const ContainerSchema = z.object({
  ID: z.string(),
  Service: z.string(),
  State: z.string(),
  Health: z.string(),
  ExitCode: z.number(),
  Publishers: z.array(z.object({ URL: z.string(), PublishedPort: z.number() })).nullable(),
});

/** docker-compose.yml on free ports, run by `docker compose` like a user does. */
export class ComposeProject {
  private constructor(
    private readonly engine: PrivateEngine,
    readonly ports: PublishedPorts,
    /** Published only with the profile `legacy`. */
    readonly facadePort: number,
  ) {}

  static async create(engine: PrivateEngine): Promise<ComposeProject> {
    const ports = await Promise.all(PUBLISHED.map(async (name) => [name, await freePort()] as const));
    return new ComposeProject(engine, Object.fromEntries(ports) as PublishedPorts, await freePort());
  }

  /** Runs a command of `docker compose` with both profiles, and returns its output. */
  run(...command: string[]): Promise<string> {
    return this.runWith(['dev', 'legacy'], ...command);
  }

  /** Runs a command of `docker compose` with some profiles. */
  runWith(profiles: readonly Profile[], ...command: string[]): Promise<string> {
    const files = ['--file', 'docker-compose.yml', '--file', 'test/compose/docker-compose.test.yml'];
    // The user's .env would change the test.
    const selected = profiles.flatMap((profile) => ['--profile', profile]);
    const options = ['--env-file', '/dev/null', '--progress', 'plain', ...selected, ...files];
    return this.engine.docker(['compose', ...options, ...command], this.variables());
  }

  /** Runs a command in the container of a service, as its user, and returns its output. */
  exec(service: string, ...command: string[]): Promise<string> {
    return this.run('exec', '--no-TTY', service, ...command);
  }

  /** Runs a command in a shell, as an operator types it in the project's folder, who has exported the profile `dev`. @param input its stdin */
  shell(command: string, input = ''): Promise<string> {
    const files = {
      COMPOSE_FILE: 'docker-compose.yml:test/compose/docker-compose.test.yml',
      COMPOSE_ENV_FILES: '/dev/null',
    };
    const env = { ...this.variables(), ...files, COMPOSE_PROFILES: 'dev', COMPOSE_PROGRESS: 'plain' };
    return this.engine.shell(command, env, input);
  }

  /** Returns what the user has set in the environment. */
  private variables(): NodeJS.ProcessEnv {
    const ports = { ...this.ports, FACADE_PORT: this.facadePort };
    return { ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])), ...TRACED };
  }

  /** Resolves once every service is healthy, with one consumer; changes only what differs. */
  async up(...profiles: readonly Profile[]): Promise<void> {
    const wait = ['--detach', '--wait', '--wait-timeout', String(HEALTHY_WITHIN_S)];
    // The images are those that were built: on a machine that can reach a registry, Compose must not replace a stand-in silently.
    await this.runWith(profiles, 'up', '--pull', 'never', ...wait);
  }

  /** Returns all containers, including stopped ones. */
  async containers(): Promise<z.infer<typeof ContainerSchema>[]> {
    const lines = (await this.run('ps', '--all', '--format', 'json')).split('\n').filter(Boolean);
    return lines.map((line) => ContainerSchema.parse(JSON.parse(line)));
  }
}
