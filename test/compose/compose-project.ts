import { freePort } from '../../dev/machine/ports.js';
import { z } from 'zod';
import type { DockerClient } from './docker-client.js';

/** Enough time for all services to start on two busy cores. */
const HEALTHY_WITHIN_S = 240;

/** The ports that docker-compose.yml publishes on 127.0.0.1, by their environment variables. */
export interface PublishedPorts {
  readonly PRODUCER_PORT: number;
  readonly QUERY_API_PORT: number;
  readonly CONSOLE_PORT: number;
  readonly ISSUER_PORT: number;
  readonly KAFKA_PORT: number;
  readonly REGISTRY_PORT: number;
  readonly MONGODB_PORT: number;
}

/** Chooses free ports, since another stack may use the default ones. */
export async function choosePorts(): Promise<PublishedPorts> {
  const taken = new Set<number>();
  const another = async (): Promise<number> => {
    const port = await freePort();
    if (taken.has(port)) return another();
    taken.add(port);
    return port;
  };
  return {
    PRODUCER_PORT: await another(),
    QUERY_API_PORT: await another(),
    CONSOLE_PORT: await another(),
    ISSUER_PORT: await another(),
    KAFKA_PORT: await another(),
    REGISTRY_PORT: await another(),
    MONGODB_PORT: await another(),
  };
}

/** The fields of `docker compose ps` that the run reads. */
const ContainerSchema = z.object({
  Service: z.string(),
  Health: z.string(),
  ExitCode: z.number(),
  Publishers: z.array(z.object({ URL: z.string(), PublishedPort: z.number() })).nullable(),
});
type Container = z.infer<typeof ContainerSchema>;

/** docker-compose.yml with its stand-ins, run by `docker compose` like a user does. */
export class ComposeProject {
  private readonly env: NodeJS.ProcessEnv;

  constructor(
    private readonly docker: DockerClient,
    private readonly signal: AbortSignal,
    standInContexts: string,
    readonly ports: PublishedPorts,
  ) {
    const published = Object.entries(ports).map(([name, port]) => [name, String(port)]);
    this.env = { STAND_IN_PARTS: standInContexts, ...Object.fromEntries(published) };
  }

  /** Builds the images of `services`, or all. */
  build(...services: string[]): Promise<string> {
    return this.compose('build', ...services);
  }

  /** Resolves once every service is healthy, with `consumers` consumers; changes only what differs. */
  up(consumers: number): Promise<string> {
    return this.compose(
      'up',
      '--detach',
      '--wait',
      '--wait-timeout',
      String(HEALTHY_WITHIN_S),
      '--scale',
      `consumer=${consumers}`,
    );
  }

  stop(...services: string[]): Promise<string> {
    return this.compose('stop', ...services);
  }

  /** Removes the containers and the network; on request also the volumes. */
  down(removeVolumes: boolean): Promise<string> {
    return this.compose('down', ...(removeVolumes ? ['--volumes'] : []));
  }

  /** Returns the output of a command in the running container of a service. */
  exec(service: string, ...command: string[]): Promise<string> {
    return this.compose('exec', '--no-TTY', service, ...command);
  }

  logs(lines: number): Promise<string> {
    return this.compose('logs', '--no-color', '--tail', String(lines));
  }

  /** Returns all containers, including stopped ones. */
  async containers(): Promise<Container[]> {
    const lines = (await this.compose('ps', '--all', '--format', 'json')).split('\n').filter(Boolean);
    return lines.map((line) => ContainerSchema.parse(JSON.parse(line)));
  }

  /** Returns how often the engine restarted each container because of its restart policy. */
  async restarts(): Promise<number[]> {
    const ids = (await this.compose('ps', '--all', '--quiet')).split('\n');
    const inspect = ['inspect', '--format', '{{.RestartCount}}', ...ids];
    return (await this.docker.run(inspect, { signal: this.signal })).split('\n').map(Number);
  }

  private compose(...args: string[]): Promise<string> {
    const files = ['--file', 'docker-compose.yml', '--file', 'test/compose/stand-ins.override.yml'];
    // The user's .env would change the test.
    const all = ['compose', '--env-file', '/dev/null', '--progress', 'plain', ...files, ...args];
    return this.docker.run(all, { signal: this.signal, env: this.env });
  }
}
