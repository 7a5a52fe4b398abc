import { mkdir } from 'node:fs/promises';
import { checkEngine } from '../checks/engine-check.js';
import { imageProblems } from '../checks/image-check.js';
import { labelProblems, roomProblems } from '../checks/node-checks.js';
import { portProblems } from '../checks/port-check.js';
import { secretProblems } from '../checks/secret-checks.js';
import type { Deployment } from '../deployment.js';
import type { DockerCli } from '../docker-cli.js';
import { labelNodes } from '../node-labels.js';
import { removeUnused } from '../remove-unused.js';
import { RollOut } from '../roll-out.js';
import { readServices } from '../service-states.js';
import type { StackFile } from '../stack-file.js';
import { SwarmError, type SwarmProblem } from '../swarm-error.js';
import { readNodes, type SwarmNode } from '../swarm-nodes.js';

export interface UpOptions {
  /** Nodes to label before the checks: one or three. `self` is this node. */
  readonly nodes: readonly string[];
  /** Only check. */
  readonly checkOnly: boolean;
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
  { nodes, checkOnly, more = {} }: UpOptions,
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
  await new RollOut(docker, deployment, { resolveImage, keepsConsumers }, print).run(stackFile);
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
