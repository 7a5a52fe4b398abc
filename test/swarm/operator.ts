import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { PrivateEngine } from '../compose/private-engine.js';

const UpdateSchema = z.object({ State: z.string() }).nullable();

/** An operator on the only node: runs the scripts of deploy/swarm as a person does, and `docker`. */
export class Operator {
  private options: readonly string[] = ['--env', 'one-node.env', '--dev-issuer'];

  constructor(
    readonly engine: PrivateEngine,
    /** Where the state and files of the run are. */
    readonly directory: string,
    private variables: Readonly<Record<string, string>>,
  ) {}

  /** Adds options and variables to each later run of a script, as an operator who has deployed something else. */
  keep(options: readonly string[], variables: Readonly<Record<string, string>>): void {
    this.options = [...this.options, ...options];
    this.variables = { ...this.variables, ...variables };
  }

  /** The folder of the secrets. */
  get state(): string {
    return join(this.directory, 'state');
  }

  /** Runs a script of deploy/swarm with the options of this swarm. @returns its output @throws Error with its error output */
  async run(
    script: string,
    args: readonly string[] = [],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const options = ['--state', this.state, ...this.options];
    const command = [`deploy/swarm/${script}`, ...args, ...options].map((word) => `'${word}'`).join(' ');
    return this.engine.shell(command, { ...this.variables, ...variables });
  }

  /** Runs a script that must fail. @returns its error output */
  async refused(
    script: string,
    args: readonly string[] = [],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    try {
      await this.run(script, args, variables);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    throw new Error(`${script} ${args.join(' ')} ended well`);
  }

  async docker(...args: string[]): Promise<string> {
    return this.engine.docker(args);
  }

  /** Returns the running containers of a service. */
  async containers(service: string): Promise<string[]> {
    const filter = `label=com.docker.swarm.service.name=orders_${service}`;
    return (await this.docker('ps', '--quiet', '--filter', filter)).split('\n').filter(Boolean);
  }

  /** Runs a command in a container of a service. */
  async inside(service: string, ...command: string[]): Promise<string> {
    const [container] = await this.containers(service);
    if (container === undefined) throw new Error(`${service} has no container`);
    return this.docker('exec', container, ...command);
  }

  /** Returns the state of the last update of a service. */
  async updateOf(service: string): Promise<string | undefined> {
    const text = await this.docker('service', 'inspect', '--format', '{{json .UpdateStatus}}', `orders_${service}`);
    return UpdateSchema.parse(JSON.parse(text))?.State;
  }

  /** Returns the ids of the running tasks, by service. */
  async tasks(): Promise<Map<string, string[]>> {
    const names = (await this.docker('service', 'ls', '--format', '{{.Name}}')).split('\n').filter(Boolean);
    const lists = await Promise.all(
      names.map(async (name) => this.docker('service', 'ps', '--quiet', '--filter', 'desired-state=running', name)),
    );
    return new Map(
      names.map((name, at) => [name.replace('orders_', ''), (lists[at] ?? '').split('\n').filter(Boolean)]),
    );
  }

  /** Writes a file of the run. @returns its path */
  async file(name: string, content: string): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    const path = join(this.directory, name);
    await writeFile(path, content);
    return path;
  }
}
