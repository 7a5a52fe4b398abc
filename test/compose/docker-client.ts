import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { ComposeTestError } from './compose-test-error.js';

const LAST_LINES = 25;
/** What a client may inherit. Anything else, such as KAFKA_PORT or a DOCKER_CONTEXT of the person's, would change what is tested. */
const INHERITED = ['PATH', 'HOME', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

interface DockerRun {
  /** Ends the client, not what the engine does for it. */
  readonly signal: AbortSignal;
  /** More variables, such as those that docker-compose.yml reads. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The machine's `docker` command, spoken to one engine of our own and with a configuration of its own. */
export class DockerClient {
  private readonly env: NodeJS.ProcessEnv;

  constructor(socket: string, configDirectory: string) {
    const inherited = INHERITED.map((name) => [name, process.env[name]] as const);
    this.env = {
      ...Object.fromEntries(inherited),
      DOCKER_HOST: `unix://${socket}`,
      DOCKER_CONFIG: configDirectory,
      // Compose otherwise looks for a plugin that builds, which Debian's package hasn't.
      COMPOSE_BAKE: 'false',
    };
  }

  /** Returns what the command printed to its standard output. Throws `command-failed` with the last lines of all it said. */
  async run(args: readonly string[], { signal, env }: DockerRun): Promise<string> {
    try {
      const { stdout } = await promisify(execFile)('docker', args, {
        cwd: PROJECT_DIRECTORY,
        env: { ...this.env, ...env },
        maxBuffer: 256 * 1024 * 1024,
        signal,
      });
      return stdout.trim();
    } catch (error) {
      signal.throwIfAborted();
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
      const lines = said.trim().split('\n').slice(-LAST_LINES).join('\n');
      throw new ComposeTestError('command-failed', `docker ${args.join(' ')} failed:\n${lines}`, { cause: error });
    }
  }
}
