import { mkdir } from 'node:fs/promises';
import {
  checkEngine,
  imageProblems,
  labelProblems,
  roomProblems,
  portProblems,
  secretProblems,
  readNodes,
  type SwarmNode,
} from './checks.js';
import { type Deployment, STACK_FOLDER } from './deployment.js';
import { type DockerCli, SwarmError, type SwarmProblem } from './docker.js';
import { readServices, areSettled, waitUntilSettled, type ServiceState } from './services.js';
import type { StackFile, StackService } from './stack-file.js';
import { z } from 'zod';

interface UpOptions {
  /** Nodes to label before the checks: one or three. `self` is this node. */
  readonly nodes: readonly string[];
  /** Only check. */
  readonly checkOnly: boolean;
  /** Whether the images are older than what runs. */
  readonly isBack: boolean;
  /** Further variables of the stack files. */
  readonly more?: Readonly<Record<string, string>>;
}

/**
 * Checks, makes what is missing of the secrets of a new swarm, labels nodes, deploys, and waits until everything is healthy.
 * @throws SwarmError with every problem; before the first deployment nothing has changed then, except for labels and new secrets
 */
export async function up(
  docker: DockerCli,
  deployment: Deployment,
  { nodes, checkOnly, isBack, more = {} }: UpOptions,
  print: (line: string) => void,
): Promise<void> {
  const startedAt = performance.now();
  const { nodeId } = await checkEngine(docker);
  if (!deployment.state.exists) {
    requireNewSwarm(deployment, await readServices(docker, deployment.stack));
    await mkdir(deployment.state.directory, { recursive: true });
    await deployment.state.create(deployment.publicHosts);
    print(
      `made an authority, certificates and passwords in ${deployment.state.directory}: keep a copy at a safe place`,
    );
  }
  // Folders of version 0.2.0 do not have it.
  await deployment.state.createClientKeys();
  if (nodes.length > 0)
    await labelNodes(
      docker,
      nodes.map((node) => (node === 'self' ? nodeId : node)),
    );
  const stackFile = deployment.read(more);
  const nodesOfSwarm = await check(docker, deployment, stackFile, nodeId, print);
  if (checkOnly) return print('nothing is in the way');
  const resolveImage = nodesOfSwarm.length === 1 ? 'never' : 'changed';
  const keepsConsumers = deployment.value('AUTOSCALE', 'off') === 'on';
  await new RollOut(docker, deployment, { resolveImage, keepsConsumers, isBack }, print).run(stackFile);
  await removeUnused(docker, deployment.stack, stackFile);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  print(`everything is healthy after ${seconds} s`);
  for (const line of addresses(deployment)) print(line);
}

/** Collects what is wrong, so that an operator corrects all of it at once. */
async function check(
  docker: DockerCli,
  deployment: Deployment,
  stackFile: StackFile,
  nodeId: string,
  print: (line: string) => void,
): Promise<readonly SwarmNode[]> {
  const nodes = await readNodes(docker, deployment.stack);
  const services = await readServices(docker, deployment.stack);
  const running = new Set(services.filter(({ done }) => done > 0).map(({ service }) => service));
  const here = nodes.find(({ id }) => id === nodeId);
  const isGateway = here?.labels['orders.gateway'] === 'true';
  const settings = stackFile.missing.map((name): SwarmProblem => {
    return { code: 'missing-setting', text: `${name} is not set: set it in the file of --env, or in the shell` };
  });
  const problems = [
    ...settings,
    ...labelProblems(stackFile, nodes),
    ...roomProblems(stackFile, nodes),
    ...secretProblems(stackFile, Date.now(), (line) => print(`warning: ${line}`)),
    ...(isGateway ? await portProblems(stackFile, running) : []),
    ...(settings.length === 0 ? await imageProblems(docker, stackFile, nodes.length === 1) : []),
  ];
  if (problems.length > 0) throw new SwarmError(problems);
  return nodes;
}

/** Secrets of a running stack can't be read back: new ones would lock it out of its own data. */
function requireNewSwarm(deployment: Deployment, services: readonly unknown[]): void {
  if (services.length === 0) return;
  throw SwarmError.of(
    'missing-secret',
    `the stack ${deployment.stack} runs, but ${deployment.state.directory} has no state: restore your copy of the folder, or name it by --state`,
  );
}

function addresses(deployment: Deployment): string[] {
  const { publicUrl, state } = deployment;
  return [
    `console            ${publicUrl}/`,
    `query API, docs    ${publicUrl}/docs`,
    `Grafana            ${publicUrl}/grafana/ (admin, password in ${state.secrets}/grafana-password)`,
    `authority          ${state.authorityFile} (curl --cacert, NODE_EXTRA_CA_CERTS, the browser's settings)`,
  ];
}

/** Brokers and members, which are replaced one after another. */
const SERVERS = ['kafka-1', 'kafka-2', 'kafka-3', 'mongodb-1', 'mongodb-2', 'mongodb-3'] as const;
/** Services of one step are independent of each other. */
const UPGRADE: readonly (readonly string[])[] = [['query-api', 'console'], ['consumer'], ['producer', 'facade']];
const JOBS = ['prepare', 'servers-ready', 'migrate'];
const SETTLED_WITHIN_SECONDS = 300;

interface RollOutOptions {
  /** `changed` pins images to the digests of their registry, so that all nodes run the same; `never`: a swarm of one node uses its own images. */
  readonly resolveImage: 'changed' | 'never';
  /** Whether the running number of consumers stays. */
  readonly keepsConsumers: boolean;
  readonly isBack: boolean;
}

/**
 * Returns the steps in which running services are replaced: readers before writers, and the reverse when an earlier version comes back. A
 * consumer is never older than a producer then, whose records it might dead-letter.
 */
export function replacementSteps(isBack: boolean): readonly (readonly string[])[] {
  return isBack ? UPGRADE.toReversed() : UPGRADE;
}

/** Deploys the services of a stack in order: one broker or member at a time, then the apps by {@link replacementSteps}. */
class RollOut {
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
    const steps = isNew ? [UPGRADE.flat()] : replacementSteps(this.options.isBack);
    for (const step of steps) await this.deploy(stackFile, step, step.join(', '));
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

  /** With replicas, any one server may be down, but only if the one before is in sync again. */
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

/**
 * Returns the consumers' service with the number that runs now, while the autoscaler sets it: `CONSUMERS` is for the first deployment only then. The
 * autoscaler would take another number for that of a person, and keep it for half an hour.
 * @param running the services of the stack, read just before the deployment: the autoscaler may act at any time
 */
export function keptConsumers(consumer: StackService, running: readonly ServiceState[]): StackService {
  const desired = running.find(({ service }) => service === 'consumer')?.desired ?? 0;
  return desired === 0 ? consumer : { ...consumer, deploy: { ...consumer.deploy, replicas: desired } };
}

const ServiceSchema = z.object({
  Spec: z.object({ TaskTemplate: z.unknown() }),
  PreviousSpec: z.object({ TaskTemplate: z.unknown() }).optional(),
});

/** Removes secrets and configs of former contents. Those that a rollback would need stay until the next time. */
async function removeUnused(docker: DockerCli, stack: string, { files }: StackFile): Promise<void> {
  const label = `label=com.docker.stack.namespace=${stack}`;
  const names = await docker.list(['service', 'ls', '--quiet', '--filter', label]);
  const services = (await docker.inspect('service', names)).map((service) => ServiceSchema.parse(service));
  const used = JSON.stringify(services);
  const present = new Set(files.map(({ name }) => name));
  for (const kind of ['secret', 'config'] as const) {
    const existing = await docker.list([kind, 'ls', '--filter', label, '--format', '{{.Name}}']);
    const unused = existing.filter((name) => !present.has(name) && !used.includes(JSON.stringify(name)));
    if (unused.length > 0) await docker.run([kind, 'rm', ...unused]);
  }
}

/** Which labels each of the given nodes gets: one node gets all, three get one broker and one member each. */
const LABELS_OF_THREE: readonly (readonly string[])[] = [
  ['orders.kafka-1', 'orders.mongodb-1', 'orders.gateway', 'orders.registry'],
  ['orders.kafka-2', 'orders.mongodb-2', 'orders.gateway'],
  ['orders.kafka-3', 'orders.mongodb-3', 'orders.monitoring'],
];

/** Labels one node or three, as `up --nodes` is given. @throws SwarmError `bad-argument` for another number */
async function labelNodes(docker: DockerCli, nodes: readonly string[]): Promise<void> {
  for (const [node, labels] of labelsOf(nodes))
    await docker.run(['node', 'update', ...labels.flatMap((label) => ['--label-add', `${label}=true`]), node]);
}

/** Returns the labels of each node. @throws SwarmError `bad-argument` */
export function labelsOf(nodes: readonly string[]): [node: string, labels: readonly string[]][] {
  const [only, ...others] = nodes;
  if (only !== undefined && others.length === 0) return [[only, [...new Set(LABELS_OF_THREE.flat())]]];
  if (nodes.length !== LABELS_OF_THREE.length || new Set(nodes).size !== nodes.length)
    throw SwarmError.of('bad-argument', `--nodes takes one node or three different ones, got ${nodes.join(',')}`);
  return nodes.map((node, at) => [node, LABELS_OF_THREE[at] ?? []]);
}
