import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Deployment } from '../deployment.js';
import type { DockerCli } from '../docker-cli.js';
import { STACK_FOLDER } from '../deployment.js';
import { SwarmError } from '../swarm-error.js';
import { checkEngine } from '../checks/engine-check.js';
import { waitUntilSettled } from '../wait-until-settled.js';

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
