import { printedBy, runCommand } from '../machine/child-processes.js';

const SHOWN_LINES = 12;

interface DockerOptions {
  /** Written to the command's stdin. */
  readonly input?: string;
  /** Variables besides those of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** The `docker` command. It finds its engine as always: by DOCKER_HOST, its context, or the default socket. */
export class DockerCli {
  /** Returns the command's output. @throws SwarmError `docker-failed` with the end of its error output */
  async run(args: readonly string[], { input = '', env = {}, cwd }: DockerOptions = {}): Promise<string> {
    try {
      return (await runCommand('docker', args, { input, cwd, env: { ...process.env, ...env } })).trim();
    } catch (error) {
      const lines = printedBy(error, 'stderr').split('\n').slice(-SHOWN_LINES).join('\n');
      throw SwarmError.of('docker-failed', `docker ${args.slice(0, 3).join(' ')}: ${lines}`, { cause: error });
    }
  }

  /** Returns the parsed lines of a command that prints one JSON object a line. */
  async jsonLines(args: readonly string[]): Promise<unknown[]> {
    const output = await this.run([...args, '--format', '{{json .}}']);
    return output
      .split('\n')
      .filter(Boolean)
      .map((line): unknown => JSON.parse(line));
  }

  /** Returns what the engine knows about objects; an empty list for no objects. */
  async inspect(type: 'node' | 'service' | 'task', names: readonly string[]): Promise<unknown[]> {
    if (names.length === 0) return [];
    return JSON.parse(await this.run(['inspect', '--type', type, ...names])) as unknown[];
  }

  /** Returns the ids, or the names, that a list command prints. */
  async list(args: readonly string[]): Promise<string[]> {
    return (await this.run(args)).split('\n').filter(Boolean);
  }
}

/** Stable codes of what keeps a swarm from being deployed. */
type SwarmProblemCode =
  | 'no-engine'
  | 'engine-too-old'
  | 'no-swarm'
  | 'not-a-manager'
  | 'no-overlay-networks'
  | 'missing-label'
  | 'label-on-several-nodes'
  | 'node-not-ready'
  | 'missing-setting'
  | 'missing-image'
  | 'dev-issuer'
  | 'missing-secret'
  | 'certificate-expired'
  | 'bad-client-keys'
  | 'port-in-use'
  | 'no-room'
  | 'not-deployed'
  | 'rolled-back'
  | 'not-healthy'
  | 'job-failed'
  | 'bad-argument'
  | 'docker-failed';

/** One thing that is wrong, and what to do about it. */
export interface SwarmProblem {
  readonly code: SwarmProblemCode;
  readonly text: string;
}

/** Thrown for everything that an operator can correct. Its message has a line for each problem, with its code. */
export class SwarmError extends Error {
  override readonly name = 'SwarmError';

  constructor(
    readonly problems: readonly SwarmProblem[],
    options?: ErrorOptions,
  ) {
    super(problems.map(({ code, text }) => `${code}: ${text}`).join('\n'), options);
  }

  static of(code: SwarmProblemCode, text: string, options?: ErrorOptions): SwarmError {
    return new SwarmError([{ code, text }], options);
  }
}
