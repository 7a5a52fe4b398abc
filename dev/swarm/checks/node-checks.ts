import { labelOf, reservedCpus, reservedMemory, type StackFile } from '../stack-file.js';
import type { SwarmNode } from '../swarm-nodes.js';
import type { SwarmProblem } from '../swarm-error.js';

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
