import { findPortHolder } from '../../machine/port-holder.js';
import { isFree } from '../../machine/ports.js';
import type { StackFile } from '../stack-file.js';
import type { SwarmProblem } from '../swarm-error.js';

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
