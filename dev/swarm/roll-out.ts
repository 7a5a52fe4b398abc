import type { Deployment } from './deployment.js';
import { STACK_FOLDER } from './deployment.js';
import type { DockerCli } from './docker-cli.js';
import { keptConsumers } from './kept-consumers.js';
import { readServices } from './service-states.js';
import type { StackFile, StackService } from './stack-file.js';
import { areSettled, waitUntilSettled } from './wait-until-settled.js';

/** Brokers and members, which are replaced one after another. */
const SERVERS = ['kafka-1', 'kafka-2', 'kafka-3', 'mongodb-1', 'mongodb-2', 'mongodb-3'] as const;
/** Readers before writers, as docs/upgrade.md explains. Services of one step are independent of each other. */
const UPGRADE: readonly (readonly string[])[] = [['query-api', 'console'], ['consumer'], ['producer', 'facade']];
const JOBS = ['prepare', 'servers-ready', 'migrate'];
const SETTLED_WITHIN_SECONDS = 300;

export interface RollOutOptions {
  /** `changed` pins images to the digests of their registry, so that all nodes run the same; `never`: a swarm of one node uses its own images. */
  readonly resolveImage: 'changed' | 'never';
  /** Whether the running number of consumers stays. */
  readonly keepsConsumers: boolean;
}

/** Deploys the services of a stack in order: one broker or member at a time, then readers before writers. */
export class RollOut {
  constructor(
    private readonly docker: DockerCli,
    private readonly deployment: Deployment,
    private readonly options: RollOutOptions,
    private readonly print: (line: string) => void,
  ) {}

  /** @param stackFile with the present secrets and configs @throws SwarmError of the step that failed; the steps before stay deployed */
  async run(stackFile: StackFile): Promise<void> {
    const before = new Set((await readServices(this.docker, this.deployment.stack)).map(({ service }) => service));
    const isNew = !SERVERS.every((name) => before.has(name));
    if (isNew) await this.deploy(stackFile, [...SERVERS], 'servers');
    else await this.replaceServers(stackFile);
    await this.runJob(stackFile, 'prepare');
    // Services are not ready before they have the keys of the issuer.
    const first = ['registry', 'issuer'].filter((name) => stackFile.services.has(name));
    await this.deploy(stackFile, first, first.join(', '));
    await this.runJob(stackFile, 'migrate');
    for (const step of isNew ? [UPGRADE.flat()] : UPGRADE) await this.deploy(stackFile, step, step.join(', '));
    const done = new Set<string>([...SERVERS, ...first, ...UPGRADE.flat(), ...JOBS]);
    const others = [...stackFile.services.keys()].filter((name) => !done.has(name));
    await this.deploy(stackFile, others, 'gateway and monitoring');
  }

  /** Runs a job once more. @throws SwarmError `job-failed` */
  async runJob(stackFile: StackFile, name: string): Promise<void> {
    await this.remove(name);
    await this.deploy(stackFile, [name], name);
    // Its secrets are needed no longer.
    if (name !== 'migrate') await this.remove(name);
  }

  private async remove(name: string): Promise<void> {
    const service = `${this.deployment.stack}_${name}`;
    const found = await this.docker.list(['service', 'ls', '--quiet', '--filter', `name=${service}`]);
    if (found.length > 0) await this.docker.run(['service', 'rm', service]);
  }

  /** With replicas, any one server may be away, but only if the one before is in sync again. */
  private async replaceServers(stackFile: StackFile): Promise<void> {
    for (const server of SERVERS) {
      const changed = await this.deploy(stackFile, [server], server);
      if (changed) await this.runJob(stackFile, 'servers-ready');
    }
  }

  /** @returns whether any of the services changed */
  private async deploy(stackFile: StackFile, services: readonly string[], title: string): Promise<boolean> {
    const startedAt = performance.now();
    const { stack } = this.deployment;
    const before = await this.specs(services);
    const wasSettled = await areSettled(this.docker, stack, services);
    const args = ['stack', 'deploy', '--compose-file', '-', '--resolve-image', this.options.resolveImage, stack];
    const input = stackFile.only(services, await this.changed(stackFile, services));
    await this.docker.run(args, { input, cwd: STACK_FOLDER });
    const hasChanged = (await this.specs(services)) !== before;
    if (hasChanged || !wasSettled) await waitUntilSettled(this.docker, stack, services, SETTLED_WITHIN_SECONDS);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    this.print(`${title}: ${hasChanged ? 'deployed' : 'unchanged'} (${seconds} s)`);
    return hasChanged;
  }

  /** Returns the services that differ from the stack file. */
  private async changed(stackFile: StackFile, services: readonly string[]): Promise<Record<string, StackService>> {
    const consumer = stackFile.services.get('consumer');
    if (!this.options.keepsConsumers || consumer === undefined || !services.includes('consumer')) return {};
    return { consumer: keptConsumers(consumer, await readServices(this.docker, this.deployment.stack)) };
  }

  /** Returns what the services shall be, as text. */
  private async specs(services: readonly string[]): Promise<string> {
    const existing = await this.docker.jsonLines(['service', 'ls', '--filter', `name=${this.deployment.stack}_`]);
    const names = existing
      .map((line) => (line as { Name: string }).Name)
      .filter((name) => services.includes(name.slice(this.deployment.stack.length + 1)));
    const found = (await this.docker.inspect('service', names.toSorted())) as { Spec: unknown }[];
    return JSON.stringify(found.map(({ Spec }) => Spec));
  }
}
