import { freePort } from '../../dev/machine/ports.js';
import { z } from 'zod';
import type { DockerClient } from './docker-client.js';

/** Enough for everything to start on two busy cores. */
const HEALTHY_WITHIN_S = 240;

/** The ports that docker-compose.yml publishes on 127.0.0.1, by the variable that sets each. */
export interface PublishedPorts {
  readonly PRODUCER_PORT: number;
  readonly QUERY_API_PORT: number;
  readonly CONSOLE_PORT: number;
  readonly ISSUER_PORT: number;
  readonly KAFKA_PORT: number;
  readonly REGISTRY_PORT: number;
  readonly MONGODB_PORT: number;
}

/** Free ports, since another stack of the person's may have the ordinary ones. */
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

/** What the run reads of what `docker compose ps` tells of a container. */
const ContainerSchema = z.object({
  Service: z.string(),
  Health: z.string(),
  ExitCode: z.number(),
  Publishers: z.array(z.object({ URL: z.string(), PublishedPort: z.number() })).nullable(),
});
type Container = z.infer<typeof ContainerSchema>;

/** docker-compose.yml with its stand-ins, run by `docker compose` as a person would. */
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

  /** Builds what `services` need, or everything. */
  build(...services: string[]): Promise<string> {
    return this.compose('build', ...services);
  }

  /** Resolves once every service is healthy, with so many consumers; changes only what isn't so yet. */
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

  /** Removes the containers and the network; the volumes too when asked. */
  down(removeVolumes: boolean): Promise<string> {
    return this.compose('down', ...(removeVolumes ? ['--volumes'] : []));
  }

  /** The output of a command in the running container of a service. */
  exec(service: string, ...command: string[]): Promise<string> {
    return this.compose('exec', '--no-TTY', service, ...command);
  }

  logs(lines: number): Promise<string> {
    return this.compose('logs', '--no-color', '--tail', String(lines));
  }

  /** All containers, stopped ones too. */
  async containers(): Promise<Container[]> {
    const lines = (await this.compose('ps', '--all', '--format', 'json')).split('\n').filter(Boolean);
    return lines.map((line) => ContainerSchema.parse(JSON.parse(line)));
  }

  /** How often each container was started again by the engine, for its restart policy. */
  async restarts(): Promise<number[]> {
    const ids = (await this.compose('ps', '--all', '--quiet')).split('\n');
    const inspect = ['inspect', '--format', '{{.RestartCount}}', ...ids];
    return (await this.docker.run(inspect, { signal: this.signal })).split('\n').map(Number);
  }

  private compose(...args: string[]): Promise<string> {
    const files = ['--file', 'docker-compose.yml', '--file', 'test/compose/stand-ins.override.yml'];
    // A .env of the person's would change what is tested.
    const all = ['compose', '--env-file', '/dev/null', '--progress', 'plain', ...files, ...args];
    return this.docker.run(all, { signal: this.signal, env: this.env });
  }
}
