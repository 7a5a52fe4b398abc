import type { DockerCli } from '../docker-cli.js';
import type { StackFile } from '../stack-file.js';
import type { SwarmProblem } from '../swarm-error.js';

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
