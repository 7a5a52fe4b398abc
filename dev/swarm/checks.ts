import { z } from 'zod';
import { type DockerCli, SwarmError, type SwarmProblem } from './docker.js';
import { labelOf, reservedCpus, reservedMemory, type StackFile } from './stack-file.js';
import { existsSync, readFileSync } from 'node:fs';
import { Deployment } from './deployment.js';
import { ClientKeys } from '../../apps/facade/src/clients.js';
import { expiries } from './state.js';
import { findPortHolder, isFree } from '../machine/ports.js';

/** Docker 20.10: jobs, dropped capabilities, limits of processes. */
const MINIMUM_API = [1, 41] as const;
const InfoSchema = z.object({
  ServerVersion: z.string(),
  Swarm: z.object({ LocalNodeState: z.string(), ControlAvailable: z.boolean(), NodeID: z.string() }),
  Plugins: z.object({ Network: z.array(z.string()).nullish() }),
});

/** The node that `up` runs on. */
interface Engine {
  readonly nodeId: string;
}

/** Returns the engine, or what it lacks. Without it nothing else can be checked. @throws SwarmError with all that is missing */
export async function checkEngine(docker: DockerCli): Promise<Engine> {
  // First, since it fails without an engine; `info` then only describes the client.
  const api = await read(docker, ['version', '--format', '{{.Server.APIVersion}}']);
  const info = InfoSchema.parse(JSON.parse(await read(docker, ['info', '--format', '{{json .}}'])));
  const problems = engineProblems({ ...info, api });
  if (problems.length > 0) throw new SwarmError(problems);
  return { nodeId: info.Swarm.NodeID };
}

/** Returns what an engine lacks. */
export function engineProblems({
  api,
  ServerVersion,
  Swarm,
  Plugins,
}: z.infer<typeof InfoSchema> & { readonly api: string }): SwarmProblem[] {
  const problems: SwarmProblem[] = [];
  if (isOlder(api))
    problems.push({
      code: 'engine-too-old',
      text: `the engine ${ServerVersion} has the API ${api}, and jobs need ${MINIMUM_API.join('.')}: install Docker 20.10 or newer on each node`,
    });
  if (Plugins.Network?.includes('overlay') === false)
    problems.push({ code: 'no-overlay-networks', text: 'the engine has no driver for overlay networks' });
  if (Swarm.LocalNodeState !== 'active')
    problems.push({
      code: 'no-swarm',
      text: `the engine is in no swarm (${Swarm.LocalNodeState}): docker swarm init --advertise-addr ADDRESS`,
    });
  else if (!Swarm.ControlAvailable)
    problems.push({
      code: 'not-a-manager',
      text: 'this node is a worker: run it on a manager (docker node ls works there)',
    });
  return problems;
}

function isOlder(api: string): boolean {
  const [major = 0, minor = 0] = api.split('.').map(Number);
  return major < MINIMUM_API[0] || (major === MINIMUM_API[0] && minor < MINIMUM_API[1]);
}

async function read(docker: DockerCli, args: readonly string[]): Promise<string> {
  try {
    return await docker.run(args);
  } catch (cause) {
    throw SwarmError.of('no-engine', 'docker does not answer: start the engine, or set DOCKER_HOST', { cause });
  }
}

/** Services with a volume of their own: a second node with their label would start them with an empty one. */
const WITH_VOLUME = /^orders\.(?:kafka|mongodb)-\d$|^orders\.registry$/;
const MIB = 2 ** 20;

/** Returns the labels that no ready node has, and those of volumes that several nodes have. */
export function labelProblems({ labels }: Pick<StackFile, 'labels'>, nodes: readonly SwarmNode[]): SwarmProblem[] {
  return [...labels].flatMap(([label, services]): SwarmProblem[] => {
    const labelled = nodes.filter((node) => node.labels[label] === 'true');
    const names = services.join(', ');
    if (labelled.length === 0)
      return [
        {
          code: 'missing-label',
          text: `no node has the label ${label}, which ${names} needs: docker node update --label-add ${label}=true NODE, or up --nodes`,
        },
      ];
    if (labelled.length > 1 && WITH_VOLUME.test(label))
      return [
        {
          code: 'label-on-several-nodes',
          text: `${labelled.map(({ name }) => name).join(' and ')} have the label ${label}: leave it on the node with the volume of ${names}`,
        },
      ];
    if (labelled.some(({ isReady }) => isReady)) return [];
    return [
      { code: 'node-not-ready', text: `${labelled[0]?.name}, the node of ${names}, is not ready: docker node ls` },
    ];
  });
}

interface Demand {
  readonly name: string;
  readonly cpus: number;
  readonly memory: number;
}

/**
 * Returns the nodes that have less memory or CPU left than their pinned services reserve, and says if all nodes together have too little.
 * Swarm itself would leave such tasks pending.
 */
export function roomProblems({ services }: Pick<StackFile, 'services'>, nodes: readonly SwarmNode[]): SwarmProblem[] {
  const ready = nodes.filter(({ isReady }) => isReady);
  const demands = [...services].map(([name, service]) => {
    const tasks = service.deploy?.mode === 'replicated-job' ? 0 : (service.deploy?.replicas ?? 1);
    const [cpus, memory] = [tasks * reservedCpus(service), tasks * reservedMemory(service)];
    return { name, cpus, memory, label: labelOf(service) };
  });
  const pinned = ready.flatMap((node) => {
    // Of a label that several nodes have, each counts all tasks: that is the worst case.
    const own = demands.filter(({ label }) => label !== undefined && node.labels[label] === 'true');
    return shortage(`the node ${node.name}`, own, [node]);
  });
  return pinned.length > 0 ? pinned : shortage('the swarm', demands, ready);
}

function shortage(where: string, demands: readonly Demand[], nodes: readonly SwarmNode[]): SwarmProblem[] {
  const total = (of: (each: Demand) => number): number => demands.reduce((sum, each) => sum + of(each), 0);
  const free = (of: (node: SwarmNode) => number): number => nodes.reduce((sum, node) => sum + of(node), 0);
  const memory = {
    needed: total((each) => each.memory),
    free: free((node) => node.memory - node.reservedByOthers.memory),
  };
  const cpus = { needed: total((each) => each.cpus), free: free((node) => node.cpus - node.reservedByOthers.cpus) };
  const lacks = [
    ...(memory.needed > memory.free
      ? [`${mib(memory.needed)} MiB of memory, and has ${mib(memory.free)} MiB left`]
      : []),
    ...(cpus.needed > cpus.free ? [`${cpus.needed.toFixed(2)} CPUs, and has ${cpus.free.toFixed(2)} left`] : []),
  ];
  return lacks.map((lack) => ({
    code: 'no-room',
    text: `${where} needs ${lack}: add memory or a node, or lower the reservations (deploy/swarm/one-node.env)`,
  }));
}

function mib(bytes: number): string {
  return Math.round(bytes / MIB).toLocaleString('en-US');
}

/**
 * Returns secrets and configs whose file is missing or empty, certificates that have expired, and API keys that the facade would refuse.
 * @param warn gets a line for each certificate that expires soon
 */
export function secretProblems(
  { files, services }: Pick<StackFile, 'files' | 'services'>,
  now: number,
  warn: (line: string) => void,
): SwarmProblem[] {
  return files.flatMap(({ kind, key, file }): SwarmProblem[] => {
    const path = Deployment.pathOf(file);
    if (!existsSync(path) || readFileSync(path).length === 0)
      return [
        {
          code: 'missing-secret',
          text: `the ${kind} ${key} is missing: restore ${path} from your copy of the folder. A new one would lock the services out of their data`,
        },
      ];
    if (key === 'legacy-clients') return keyProblems(path, services.get('facade')?.deploy?.replicas !== 0);
    const found = expiries(readFileSync(path, 'utf8'), now);
    for (const { text } of found.filter(({ hasExpired }) => !hasExpired))
      warn(`${key}: ${text}; deploy/swarm/rotate certificates`);
    return found
      .filter(({ hasExpired }) => hasExpired)
      .map(({ text }) => ({ code: 'certificate-expired', text: `${key}: ${text}: deploy/swarm/rotate certificates` }));
  });
}

function keyProblems(path: string, isUsed: boolean): SwarmProblem[] {
  try {
    const { size } = ClientKeys.parse(readFileSync(path, 'utf8'), true);
    if (size > 0 || !isUsed) return [];
    return [{ code: 'bad-client-keys', text: `${path} has no keys: the facade would refuse every request` }];
  } catch (error) {
    return [{ code: 'bad-client-keys', text: `${path}: ${error instanceof Error ? error.message : String(error)}` }];
  }
}

const ANY = '0.0.0.0';

/**
 * Returns the published ports that other programs of this node use. The ports of other nodes can't be checked from here; a task that finds
 * its port in use says so in `docker service ps`.
 * @param running services of the stack that publish their ports now
 */
export async function portProblems(
  { services }: Pick<StackFile, 'services'>,
  running: ReadonlySet<string>,
): Promise<SwarmProblem[]> {
  const wanted = [...services].flatMap(([service, { ports = [] }]) =>
    running.has(service) ? [] : ports.map(({ published }) => ({ service, port: published })),
  );
  const problems: SwarmProblem[] = [];
  for (const { service, port } of wanted) {
    if (await isFree({ host: ANY, port })) continue;
    const holder = findPortHolder(port);
    problems.push({
      code: 'port-in-use',
      text: `port ${port}, which ${service} publishes, is in use${holder === undefined ? '' : ` by ${holder}`}: end that program, or set GATEWAY_PORT or ISSUER_PORT`,
    });
  }
  return problems;
}

/** Returns the images that this node lacks and can't pull. @param hasOneNode other nodes can't use an image of this one */
export async function imageProblems(
  docker: DockerCli,
  { services }: Pick<StackFile, 'services'>,
  hasOneNode: boolean,
): Promise<SwarmProblem[]> {
  const used = [...services.values()].filter(({ deploy }) => deploy?.replicas !== 0).map(({ image }) => image);
  const problems: SwarmProblem[] = [];
  for (const image of new Set(used)) {
    if (hasOneNode && (await succeeds(docker, ['image', 'inspect', image]))) continue;
    if (await succeeds(docker, ['manifest', 'inspect', image])) continue;
    problems.push({
      code: 'missing-image',
      text: hasOneNode
        ? `the image ${image} is neither here nor in a registry: docker build --tag ${image} .`
        : `the image ${image} is in no registry, from which each node pulls it: docker push, and set ORDERS_IMAGE`,
    });
  }
  return problems;
}

async function succeeds(docker: DockerCli, args: readonly string[]): Promise<boolean> {
  return docker.run(args).then(
    () => true,
    () => false,
  );
}

const NodeSchema = z.object({
  ID: z.string(),
  Spec: z.object({ Labels: z.record(z.string(), z.string()).nullish(), Availability: z.string() }),
  Description: z.object({
    Hostname: z.string(),
    Resources: z.object({ NanoCPUs: z.number(), MemoryBytes: z.number() }),
  }),
  Status: z.object({ State: z.string() }),
});
const TaskSchema = z.object({
  NodeID: z.string().optional(),
  Spec: z.object({
    ContainerSpec: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).optional(),
    Resources: z
      .object({
        Reservations: z.object({ NanoCPUs: z.number().optional(), MemoryBytes: z.number().optional() }).optional(),
      })
      .optional(),
  }),
});

/** A node of the swarm, and how much of it services of other stacks have reserved. */
export interface SwarmNode {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it takes tasks now. */
  readonly isReady: boolean;
  readonly cpus: number;
  readonly memory: number;
  readonly reservedByOthers: { readonly cpus: number; readonly memory: number };
}

/** Reads all nodes. @param stack the own stack, whose reservations do not count */
export async function readNodes(docker: DockerCli, stack: string): Promise<SwarmNode[]> {
  const ids = await docker.list(['node', 'ls', '--quiet']);
  const nodes = (await docker.inspect('node', ids)).map((node) => NodeSchema.parse(node));
  const taskIds = await docker.list(['node', 'ps', '--quiet', '--filter', 'desired-state=running', ...ids]);
  const tasks = (await docker.inspect('task', [...new Set(taskIds)])).map((task) => TaskSchema.parse(task));
  const others = tasks.filter(({ Spec }) => Spec.ContainerSpec?.Labels?.['com.docker.stack.namespace'] !== stack);
  return nodes.map(({ ID, Spec, Description: { Hostname, Resources }, Status }) => {
    const reservations = others.filter(({ NodeID }) => NodeID === ID).map((task) => task.Spec.Resources?.Reservations);
    return {
      id: ID,
      name: Hostname,
      labels: Spec.Labels ?? {},
      isReady: Status.State === 'ready' && Spec.Availability === 'active',
      cpus: Resources.NanoCPUs / 1e9,
      memory: Resources.MemoryBytes,
      reservedByOthers: {
        cpus: sumOf(reservations.map((each) => each?.NanoCPUs ?? 0)) / 1e9,
        memory: sumOf(reservations.map((each) => each?.MemoryBytes ?? 0)),
      },
    };
  });
}

function sumOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
