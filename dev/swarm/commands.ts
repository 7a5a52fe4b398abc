import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Deployment, STACK_FOLDER } from './deployment.js';
import { type DockerCli, SwarmError } from './docker.js';
import { checkEngine } from './checks.js';
import { waitUntilSettled, readServices, readTasks } from './services.js';
import { setTimeout as delay } from 'node:timers/promises';
import { alignedRows } from '../terminal/aligned-rows.js';

const IN_JOB = '/backup';
const WITHIN_SECONDS = 6 * 3_600;
/** The registry's schemas, by its own export. Its file is a zip that its import takes. */
const EXPORT_SCHEMAS = `
  const { Agent, fetch } = await import('undici');
  const { readFileSync, writeFileSync } = await import('node:fs');
  const secret = (name) => readFileSync('/run/secrets/admin-' + name, 'utf8').trim();
  const dispatcher = new Agent({ connect: { ca: readFileSync('/run/authority.pem') } });
  const authorization = 'Basic ' + Buffer.from(secret('username') + ':' + secret('password')).toString('base64');
  const response = await fetch('https://registry:8443/apis/registry/v3/admin/export', { dispatcher, headers: { authorization } });
  if (!response.ok) throw new Error('the registry answers ' + response.status);
  writeFileSync('${IN_JOB}/schemas.zip', Buffer.from(await response.arrayBuffer()), { mode: 0o600 });
`;

/**
 * Writes a backup to a folder of this node, by a job on it: the database and Kafka's positions (`npm run admin -- backup`), and the
 * registry's schemas. The secrets are not in it: copy the folder of the state too.
 * @throws SwarmError `job-failed` with the end of the job's log
 */
export async function backup(
  docker: DockerCli,
  deployment: Deployment,
  folder: string,
  print: (line: string) => void,
): Promise<void> {
  const directory = resolve(folder);
  const { nodeId } = await checkEngine(docker);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const stackFile = deployment.read();
  const job = stackFile.services.get('migrate');
  if (job === undefined) throw SwarmError.of('not-deployed', 'the stack file has no job migrate');
  const { stack } = deployment;
  const service = `${stack}_backup`;
  const commands = [
    `${deployment.admin} backup ${IN_JOB}/database --gzip`,
    `node --input-type=module --eval "$EXPORT_SCHEMAS"`,
  ];
  const changed = {
    ...job,
    // The folder belongs to the operator of the node.
    user: '0:0',
    command: [commands.join('; ')],
    environment: { ...(job['environment'] as object), EXPORT_SCHEMAS },
    volumes: [{ type: 'bind', source: directory, target: IN_JOB }],
    deploy: { ...job.deploy, placement: { constraints: [`node.id == ${nodeId}`] } },
  };
  await removeJob(docker, service);
  try {
    const input = stackFile.only(['backup'], { backup: changed });
    const args = ['stack', 'deploy', '--compose-file', '-', '--resolve-image', 'never', stack];
    await docker.run(args, { input, cwd: STACK_FOLDER });
    await waitUntilSettled(docker, stack, ['backup'], WITHIN_SECONDS);
    print(await docker.run(['service', 'logs', '--raw', service]));
    print(`the backup is in ${directory}; copy it to another machine, with ${deployment.state.directory}`);
  } finally {
    await removeJob(docker, service);
  }
}

async function removeJob(docker: DockerCli, service: string): Promise<void> {
  const found = await docker.list(['service', 'ls', '--quiet', '--filter', `name=${service}`]);
  if (found.length > 0) await docker.run(['service', 'rm', service]);
}

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

/** The service, its last update and its image. */
const TEXT_COLUMNS: ReadonlySet<number> = new Set([0, 2, 3]);

/**
 * Prints a line for each service, and the last failure of those that are not healthy.
 * @returns whether all services are healthy @throws SwarmError `not-deployed`
 */
export async function status(docker: DockerCli, stack: string, print: (line: string) => void): Promise<boolean> {
  const services = await readServices(docker, stack);
  if (services.length === 0) throw SwarmError.of('not-deployed', `there is no stack ${stack}: docker stack ls`);
  const rows = services.map(({ service, done, desired, isJob, update = '', image }) => [
    service,
    `${done}/${desired}${isJob ? ' completed' : ''}`,
    update,
    image,
  ]);
  for (const line of alignedRows([['SERVICE', 'HEALTHY', 'LAST UPDATE', 'IMAGE'], ...rows], TEXT_COLUMNS)) print(line);
  const unhealthy = services.filter(({ done, desired }) => done < desired);
  for (const { service } of unhealthy) {
    const failed = (await readTasks(docker, `${stack}_${service}`)).find(({ Error: error }) => error !== '');
    print(`${service}: ${failed === undefined ? 'starting' : `${failed.CurrentState}: ${failed.Error}`}`);
  }
  return unhealthy.length === 0;
}
