import { alignedRows } from '../../terminal/aligned-rows.js';
import type { DockerCli } from '../docker-cli.js';
import { readServices, readTasks } from '../service-states.js';
import { SwarmError } from '../swarm-error.js';

/** The service, its last update and its image. */
const TEXT_COLUMNS: ReadonlySet<number> = new Set([0, 2, 3]);

/**
 * Prints a line for each service, and the last failure of those that are not healthy.
 * @returns whether all services are healthy @throws SwarmError `not-deployed`
 */
export async function status(docker: DockerCli, stack: string, print: (line: string) => void): Promise<boolean> {
  const services = await readServices(docker, stack);
  if (services.length === 0) throw SwarmError.of('not-deployed', `there is no stack ${stack}: docker stack ls`);
  const rows = services.map(({ service, done, wanted, isJob, update = '', image }) => [
    service,
    `${done}/${wanted}${isJob ? ' completed' : ''}`,
    update,
    image,
  ]);
  for (const line of alignedRows([['SERVICE', 'HEALTHY', 'LAST UPDATE', 'IMAGE'], ...rows], TEXT_COLUMNS)) print(line);
  const unhealthy = services.filter(({ done, wanted }) => done < wanted);
  for (const { service } of unhealthy) {
    const failed = (await readTasks(docker, `${stack}_${service}`)).find(({ Error: error }) => error !== '');
    print(`${service}: ${failed === undefined ? 'starting' : `${failed.CurrentState}: ${failed.Error}`}`);
  }
  return unhealthy.length === 0;
}
