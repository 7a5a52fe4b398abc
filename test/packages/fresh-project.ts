import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { eventually, HANG_GUARD_MS } from '../support/eventually.js';

const run = promisify(execFile);

/** Packs a package of libs/ into a tarball, as it would be published. @returns its path */
export async function pack(library: string, destination: string): Promise<string> {
  const directory = join(PROJECT_DIRECTORY, 'libs', library);
  const { stdout } = await npm(directory, 'pack', '--json', '--pack-destination', destination);
  // The output of the build precedes npm's JSON.
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string }];
  return join(destination, filename);
}

/** Returns the installed version of a package, which this project is tested with. */
export async function versionOf(name: string): Promise<string> {
  const text = await readFile(join(PROJECT_DIRECTORY, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** A project, such as one outside of this one, like that of a user who installs a tarball. */
export class FreshProject {
  constructor(readonly directory: string) {}

  /** Creates an empty folder. */
  static async empty(directory: string): Promise<FreshProject> {
    await mkdir(directory, { recursive: true });
    return new FreshProject(directory);
  }

  static async create(directory: string, packages: readonly string[]): Promise<FreshProject> {
    const project = await FreshProject.empty(directory);
    await project.write('package.json', '{ "name": "fresh", "private": true, "type": "module" }');
    if (packages.length > 0) await project.install(...packages);
    return project;
  }

  async install(...packages: string[]): Promise<void> {
    await npm(this.directory, 'install', '--no-audit', '--no-fund', '--prefer-offline', ...packages);
  }

  /** Creates a folder in the project, which uses the project's packages. */
  async folder(name: string): Promise<FreshProject> {
    await mkdir(join(this.directory, name));
    return new FreshProject(join(this.directory, name));
  }

  async write(path: string, text: string): Promise<void> {
    await writeFile(join(this.directory, path), text);
  }

  /** Compiles its tsconfig.json with this project's compiler. @returns the error lines */
  async compile(...options: string[]): Promise<string[]> {
    const compiler = join(PROJECT_DIRECTORY, 'node_modules', 'typescript', 'bin', 'tsc');
    try {
      await run(process.execPath, [compiler, '-p', this.directory, ...options], {
        cwd: this.directory,
        timeout: HANG_GUARD_MS,
      });
      return [];
    } catch (error) {
      return String((error as { stdout?: unknown }).stdout)
        .split('\n')
        .filter((line) => line.includes('error TS'));
    }
  }

  /** Runs a command of a shell in the project, as a reader of a README types it. */
  async shell(command: string): Promise<void> {
    await run('sh', ['-c', command], {
      cwd: this.directory,
      env: { ...process.env, npm_config_prefer_offline: 'true' },
      timeout: HANG_GUARD_MS,
      maxBuffer: 16 * 1024 * 1024,
    });
  }

  start(script: string, env: NodeJS.ProcessEnv): RunningScript {
    const child = spawn(process.execPath, [script], {
      cwd: this.directory,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new RunningScript(child);
  }
}

export class RunningScript {
  output = '';
  private readonly exited = Promise.withResolvers<number | null>();

  constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    child.once('exit', (code) => this.exited.resolve(code));
  }

  async prints(pattern: RegExp): Promise<void> {
    try {
      // oxlint-disable-next-line cases/no-awaited-log -- what an example prints is what its reader sees.
      await eventually(`it prints ${pattern}`, () => pattern.test(this.output));
    } catch (error) {
      throw new Error(`${String(error)}\n${this.output}`, { cause: error });
    }
  }

  /** Resolves with the exit code once the script has ended by itself. */
  async ends(): Promise<number | null> {
    return this.exited.promise;
  }

  /** Resolves once the script has ended by itself, without an error. */
  async succeeds(): Promise<void> {
    const code = await this.ends();
    if (code !== 0) throw new Error(`the script ended with ${code}:\n${this.output}`);
  }

  /** @returns the exit code */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.exited.promise;
  }
}

async function npm(directory: string, ...args: string[]): Promise<{ stdout: string }> {
  return run('npm', args, { cwd: directory, timeout: HANG_GUARD_MS, maxBuffer: 16 * 1024 * 1024 });
}
