import { z } from 'zod';
import type { DockerCli } from '../docker-cli.js';
import { SwarmError, type SwarmProblem } from '../swarm-error.js';

/** Docker 20.10: jobs, dropped capabilities, limits of processes. */
const MINIMUM_API = [1, 41] as const;
const InfoSchema = z.object({
  ServerVersion: z.string(),
  Swarm: z.object({ LocalNodeState: z.string(), ControlAvailable: z.boolean(), NodeID: z.string() }),
  Plugins: z.object({ Network: z.array(z.string()).nullish() }),
});

/** The node that `up` runs on. */
export interface Engine {
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
