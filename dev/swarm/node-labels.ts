import type { DockerCli } from './docker-cli.js';
import { SwarmError } from './swarm-error.js';

/** Which labels each of the given nodes gets: one node gets all, three get one broker and one member each. */
const LABELS_OF_THREE: readonly (readonly string[])[] = [
  ['orders.kafka-1', 'orders.mongodb-1', 'orders.gateway', 'orders.registry'],
  ['orders.kafka-2', 'orders.mongodb-2', 'orders.gateway'],
  ['orders.kafka-3', 'orders.mongodb-3', 'orders.monitoring'],
];

/** Labels one node or three, as `up --nodes` is given. @throws SwarmError `bad-argument` for another number */
export async function labelNodes(docker: DockerCli, nodes: readonly string[]): Promise<void> {
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
