import { isAbsolute, join, resolve } from 'node:path';
import { Command } from 'commander';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { backup, down, status } from './commands.js';
import { ROTATIONS, rotationSteps } from './rotate.js';
import { up } from './up.js';
import { Deployment } from './deployment.js';
import { DockerCli } from './docker.js';

/** Where a command line reads its variables, and what it prints to. */
export interface SwarmEnvironment {
  readonly env: NodeJS.ProcessEnv;
  readonly print: (line: string) => void;
}

interface GlobalOptions {
  readonly stack: string;
  readonly env: readonly string[];
  readonly state: string;
  readonly devIssuer?: boolean;
  readonly file: readonly string[];
}

/** Adds a command with the options that all of them have. */
type AddCommand = (name: string, description: string) => Command;
/** Deploys, as `up` does. @param more further variables of the stack files */
type Deploy = (deployment: Deployment, options: UpFlags, more?: Record<string, string>) => Promise<void>;

interface UpFlags {
  readonly nodes?: string;
  readonly check?: boolean;
  readonly back?: boolean;
}

/**
 * Returns the command line of `deploy/swarm/up` and its siblings.
 * @param setExitCode gets the exit code of a command that ended well, but found something to report
 * @throws CommanderError after wrong options, and after the help
 */
export function swarmCommandLine(environment: SwarmEnvironment, setExitCode: (code: number) => void): Command {
  const { env, print } = environment;
  const docker = new DockerCli();
  const program = new Command('deploy/swarm/')
    .description('Runs the pipeline on Docker Swarm: docs/run.md#docker-swarm.')
    .exitOverride();
  const add: AddCommand = (name, description) =>
    program
      .command(name)
      .description(description)
      .option('--stack <name>', 'the name of the stack', env['STACK'] || 'orders')
      .option('--env <file>', 'a file of variables, such as one-node.env; of several the last one counts', collect, [])
      .option('--state <folder>', 'the folder of the secrets and of the authority', '.swarm')
      .option('--file <file>', 'a stack file of yours, which adds to stack.yml or replaces values in it', collect, [])
      .option('--dev-issuer', 'deploy an OpenID provider for a trial on this machine, in which every name may log in');
  const deploy: Deploy = async (
    deployment,
    { nodes = '', check: checkOnly = false, back: isBack = false },
    more = {},
  ) => up(docker, deployment, { nodes: nodes.split(',').filter(Boolean), checkOnly, isBack, more }, print);
  addChanges(add, deploy, environment);
  add('down', 'remove the stack; data stay in the volumes')
    .option('--volumes', 'remove the volumes of this node too, with all data')
    .action(async ({ stack, volumes = false }: GlobalOptions & { volumes?: boolean }) =>
      down(docker, stack, { volumes }, print),
    );
  add('status', 'print a line for each service; exit code 1 if one is not healthy').action(
    async ({ stack }: GlobalOptions) => setExitCode((await status(docker, stack, print)) ? 0 : 1),
  );
  add('backup', 'write a backup to a folder of this node')
    .argument('<folder>', 'a new or an empty folder')
    .action(async (folder: string, options: GlobalOptions) =>
      backup(docker, deploymentOf(options, env), toPath(folder, env), print),
    );
  return program;
}

function addChanges(add: AddCommand, deploy: Deploy, { env, print }: SwarmEnvironment): void {
  add('up', 'check, deploy or update, and wait until everything is healthy')
    .option('--nodes <names>', 'label one node (self: this one) or three before, separated by commas')
    .option('--check', 'only check')
    .option('--back', 'the image is an earlier version: replace writers before readers')
    .action(async (options: GlobalOptions & UpFlags) => deploy(deploymentOf(options, env), options));
  add('rotate', 'replace a secret while everything runs')
    .argument('<what>', `${ROTATIONS.join(', ')}, or user:SERVICE`)
    .action(async (what: string, options: GlobalOptions) => {
      const deployment = deploymentOf(options, env);
      for (const { title, change, removesUsers = false } of rotationSteps(what, deployment)) {
        print(`rotate ${what}: ${title}`);
        await change();
        await deploy(deployment, {}, { USERS_OPTIONS: removesUsers ? '--remove-others' : '' });
      }
    });
}

function deploymentOf(
  { stack, env: variables, file, state, devIssuer = false }: GlobalOptions,
  env: NodeJS.ProcessEnv,
): Deployment {
  const envFiles = variables.map((path) => toPath(path, env));
  const files = file.map((path) => toPath(path, env));
  return new Deployment({ stack, envFiles, files, state: toPath(state, env), devIssuer }, env);
}

function collect(file: string, before: readonly string[]): string[] {
  return [...before, file];
}

/** `npm` changes to the project's folder, and keeps that of the caller in INIT_CWD. A file that is only a name may be in deploy/swarm. */
function toPath(path: string, env: NodeJS.ProcessEnv): string {
  if (/^[\w-]+\.env$/.test(path)) return join(PROJECT_DIRECTORY, 'deploy', 'swarm', path);
  return isAbsolute(path) ? path : resolve(env['INIT_CWD'] ?? '.', path);
}
