import { setTimeout as delay } from 'node:timers/promises';
import type { DockerCli } from '../docker-cli.js';
import { readServices } from '../service-states.js';
import { SwarmError } from '../swarm-error.js';

/** The servers, which stop after the services that use them. */
const SERVERS = /^(?:kafka|mongodb)-\d$|^registry$/;
const POLL_MS = 500;
/** Above the longest stop period of the stack files. */
const ENDED_WITHIN_MS = 120_000;

/**
 * Removes a stack: first the services, which drain, then the servers, the networks, secrets and configs.
 * @param volumes whether the volumes of this node are removed too, with all data in them
 * @throws SwarmError `not-deployed` if there is nothing to remove
 */
export async function down(
  docker: DockerCli,
  stack: string,
  { volumes }: { readonly volumes: boolean },
  print: (line: string) => void,
): Promise<void> {
  const services = (await readServices(docker, stack)).map(({ service }) => service);
  const label = `label=com.docker.stack.namespace=${stack}`;
  const left = await docker.list(['volume', 'ls', '--quiet', '--filter', label]);
  if (services.length === 0 && (!volumes || left.length === 0))
    throw SwarmError.of('not-deployed', `there is no stack ${stack}: docker stack ls`);
  const others = services.filter((service) => !SERVERS.test(service)).map((service) => `${stack}_${service}`);
  if (others.length > 0) await docker.run(['service', 'rm', ...others]);
  await ended(docker, stack, (name) => others.includes(name));
  if (services.length > 0) await docker.run(['stack', 'rm', stack]);
  await ended(docker, stack, () => true);
  await removeEnded(docker, label);
  await networksGone(docker, label);
  print(`removed the stack ${stack}`);
  if (!volumes) return print(`its data stay in the volumes: docker volume ls --filter ${label}`);
  const remaining = await docker.list(['volume', 'ls', '--quiet', '--filter', label]);
  if (remaining.length > 0) await docker.run(['volume', 'rm', ...remaining]);
  print('removed the volumes of this node; run `down --volumes` on the others too');
}

/** Waits for the containers of this node, which may drain after their service was removed. */
async function ended(docker: DockerCli, stack: string, isMeant: (service: string) => boolean): Promise<void> {
  const filter = `label=com.docker.stack.namespace=${stack}`;
  const format = '{{.Label "com.docker.swarm.service.name"}}';
  const deadline = Date.now() + ENDED_WITHIN_MS;
  for (;;) {
    const running = (await docker.list(['ps', '--filter', filter, '--format', format])).filter(isMeant);
    if (running.length === 0) return;
    if (Date.now() > deadline)
      throw SwarmError.of(
        'docker-failed',
        `tasks of ${running.join(', ')} have not ended: docker ps --filter ${filter}`,
      );
    await delay(POLL_MS);
  }
}

/** Swarm keeps the containers of jobs whose service was removed. It may remove others at the same time. */
async function removeEnded(docker: DockerCli, label: string): Promise<void> {
  const deadline = Date.now() + ENDED_WITHIN_MS;
  for (;;) {
    const left = await docker.list(['ps', '--all', '--quiet', '--filter', label]);
    if (left.length === 0) return;
    if (Date.now() > deadline)
      throw SwarmError.of('docker-failed', `containers are left: docker ps --all --filter ${label}`);
    await docker.run(['rm', ...left]).catch(() => '');
    await delay(POLL_MS);
  }
}

async function networksGone(docker: DockerCli, label: string): Promise<void> {
  const deadline = Date.now() + ENDED_WITHIN_MS;
  while ((await docker.list(['network', 'ls', '--quiet', '--filter', label])).length > 0) {
    if (Date.now() > deadline)
      throw SwarmError.of('docker-failed', `networks are left: docker network ls --filter ${label}`);
    await delay(POLL_MS);
  }
}
