import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { ComposeTestError } from './compose-test-error.js';

const LAST_LINES = 25;
/** The variables that a client inherits. Others, such as the user's KAFKA_PORT or DOCKER_CONTEXT, would change the test. */
const INHERITED = ['PATH', 'HOME', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

interface DockerRun {
  /** Ends the client, but not its work in the engine. */
  readonly signal: AbortSignal;
  /** Additional variables, such as those that docker-compose.yml reads. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The machine's `docker` command, connected to the private engine and with a separate configuration. */
export class DockerClient {
  private readonly env: NodeJS.ProcessEnv;

  constructor(socket: string, configDirectory: string) {
    const inherited = INHERITED.map((name) => [name, process.env[name]] as const);
    this.env = {
      ...Object.fromEntries(inherited),
      DOCKER_HOST: `unix://${socket}`,
      DOCKER_CONFIG: configDirectory,
      // Otherwise Compose looks for the build plugin (buildx), which Debian's package doesn't contain.
      COMPOSE_BAKE: 'false',
    };
  }

  /** Returns the standard output of the command. Throws `command-failed` with the last lines of its standard error. */
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
      const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
      const lines = output.trim().split('\n').slice(-LAST_LINES).join('\n');
      throw new ComposeTestError('command-failed', `docker ${args.join(' ')} failed:\n${lines}`, { cause: error });
    }
  }
}
