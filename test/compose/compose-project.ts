import { z } from 'zod';
import { freePort } from '../../dev/machine/ports.js';
import type { PrivateEngine } from './private-engine.js';

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
export type PublishedPorts = Readonly<Record<(typeof PUBLISHED)[number], number>>;

/** The profiles of docker-compose.yml. */
export type Profile = 'dev' | 'legacy';

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
    const files = ['--file', 'docker-compose.yml', '--file', 'test/compose/build-network.yml'];
    // The user's .env would change the test.
    const selected = profiles.flatMap((profile) => ['--profile', profile]);
    const options = ['--env-file', '/dev/null', '--progress', 'plain', ...selected, ...files];
    return this.engine.docker(['compose', ...options, ...command], this.publishedAs());
  }

  /** Runs a command in the container of a service, as its user, and returns its output. */
  exec(service: string, ...command: string[]): Promise<string> {
    return this.run('exec', '--no-TTY', service, ...command);
  }

  /** Runs a command in a shell, as an operator types it in the project's folder, who has exported the profile `dev`. @param input its stdin */
  shell(command: string, input = ''): Promise<string> {
    const files = { COMPOSE_FILE: 'docker-compose.yml:test/compose/build-network.yml', COMPOSE_ENV_FILES: '/dev/null' };
    const env = { ...this.publishedAs(), ...files, COMPOSE_PROFILES: 'dev', COMPOSE_PROGRESS: 'plain' };
    return this.engine.shell(command, env, input);
  }

  private publishedAs(): NodeJS.ProcessEnv {
    const ports = { ...this.ports, FACADE_PORT: this.facadePort };
    return Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
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
