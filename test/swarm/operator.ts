import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { PrivateEngine } from '../compose/private-engine.js';
import { eventually } from '../support/eventually.js';

const UpdateSchema = z.object({ State: z.string() }).nullable();

type Variables = Readonly<Record<string, string>>;

/** An operator on the only node: runs the scripts of deploy/swarm as a person does, and `docker`. */
export class Operator {
  private options: readonly string[] = ['--env', 'one-node.env', '--dev-issuer'];

  constructor(
    readonly engine: PrivateEngine,
    /** Where the state and files of the run are. */
    readonly directory: string,
    private variables: Variables,
  ) {}

  /** Adds options and variables to each later run of a script, as an operator who has deployed something else. */
  keep(options: readonly string[], variables: Variables): void {
    this.options = [...this.options, ...options];
    this.variables = { ...this.variables, ...variables };
  }

  /** The folder of the secrets. */
  get state(): string {
    return join(this.directory, 'state');
  }

  /** Runs a script of deploy/swarm with the options of this swarm. @returns its output @throws Error with its error output */
  async run(script: string, args: readonly string[] = [], variables: Variables = {}): Promise<string> {
    const options = ['--state', this.state, ...this.options];
    const command = [`deploy/swarm/${script}`, ...args, ...options].map((word) => `'${word}'`).join(' ');
    return this.engine.shell(command, { ...this.variables, ...variables });
  }

  /** Runs a script that must fail. @returns its error output */
  async refused(script: string, args: readonly string[], variables: Variables): Promise<string> {
    const ended = await this.run(script, args, variables).catch((error: Error) => error);
    if (typeof ended === 'string') throw new Error(`${script} ${args.join(' ')} ended well`);
    return ended.message;
  }

  async docker(...args: string[]): Promise<string> {
    return this.engine.docker(args);
  }

  /** Returns the lines that a command of `docker` prints. */
  async lines(...args: string[]): Promise<string[]> {
    return (await this.docker(...args)).split('\n').filter(Boolean);
  }

  /** Checks that `docker` lists nothing of a kind. @param args such as `network ls --filter name=orders_` */
  async hasNo(...args: string[]): Promise<void> {
    assert.equal(await this.docker(...args, '--quiet'), '', args.join(' '));
  }

  /** Runs a command in a container of a service. */
  async inside(service: string, ...command: string[]): Promise<string> {
    const [container] = await this.containers(service);
    if (container === undefined) throw new Error(`${service} has no container`);
    return this.docker('exec', container, ...command);
  }

  /** Runs a script in a member of MongoDB. @param tls whether the client trusts the authority of the swarm */
  async mongosh(member: string, script: string, tls = true): Promise<string> {
    const uri = `mongodb://${member}/?directConnection=true&serverSelectionTimeoutMS=3000`;
    const secure = tls ? ['--tls', '--tlsCAFile', '/run/authority.pem'] : [];
    return this.inside(member, 'mongosh', '--quiet', '--norc', uri, ...secure, '--eval', script);
  }

  /** Kills the container of a service. @returns its id, for `isBack` */
  async kill(service: string): Promise<string> {
    const [container] = await this.containers(service);
    assert.ok(container, `${service} runs`);
    await this.docker('kill', '--signal', 'KILL', container);
    return container;
  }

  /** Resolves when Swarm has started a service again. */
  async isBack(service: string, killed: string): Promise<void> {
    await eventually(`Swarm has started ${service} again`, async () => {
      const [container] = await this.containers(service);
      if (container === undefined || container === killed) return false;
      const health = await this.docker('inspect', '--format', '{{.State.Health.Status}}', container);
      return health === 'healthy' || { health };
    });
  }

  /** Resolves when the last update of a service has this state. */
  async isUpdated(service: string, wanted: string): Promise<void> {
    await eventually(`the update of ${service} is ${wanted}`, async () => {
      const update = UpdateSchema.parse(JSON.parse(await this.inspect(service, '{{json .UpdateStatus}}')));
      return update?.State === wanted || { ...update };
    });
  }

  /** Returns a part of what Docker knows about a service. @param format a template of Go */
  async inspect(service: string, format: string): Promise<string> {
    return this.docker('service', 'inspect', '--format', format, `orders_${service}`);
  }

  /** Returns the ids of the running tasks, by service. */
  async tasks(): Promise<Map<string, string[]>> {
    const names = await this.lines('service', 'ls', '--format', '{{.Name}}');
    const tasks = names.map(async (name) => {
      const ids = await this.lines('service', 'ps', '--quiet', '--filter', 'desired-state=running', name);
      return [name.replace('orders_', ''), ids] as const;
    });
    return new Map(await Promise.all(tasks));
  }

  /** Writes a file of the run. @returns its path */
  async file(name: string, content: string): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    const path = join(this.directory, name);
    await writeFile(path, content);
    return path;
  }

  /** Returns the running containers of a service. */
  private async containers(service: string): Promise<string[]> {
    return this.lines('ps', '--quiet', '--filter', `label=com.docker.swarm.service.name=orders_${service}`);
  }
}
