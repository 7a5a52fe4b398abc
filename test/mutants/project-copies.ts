import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, realpath, symlink } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

const MAX_COPIES = 4;
const NOT_COPIED = new Set(['.git', '.data', '.cache', 'dist', 'node_modules']);
const RUN_BY_COPIES = ['jest.config.mjs', 'mutant-environment.mjs', 'reproducible-runs.mjs', 'run-specs.mjs'];
/** The scope of the packages in libs/. */
const WORKSPACES = '@orders-pipeline';
const UNCHANGED_CASE_MS = 600_000;
/** A case that takes longer than this, and three times as long as the slowest of its file without a mutant, hangs. */
const LEAST_CASE_MS = 30_000;

/** The first failure of spec files: of a case, or of a file that could not run. */
export interface Failure {
  readonly spec: string;
  readonly reason: string;
  readonly isCase: boolean;
}

/** Times of a spec file without a mutant, in ms. */
interface SpecTimes {
  readonly wholeMs: number;
  readonly slowestCaseMs: number;
}

/** Copies of a project, one for each worker. */
export class ProjectCopies {
  private constructor(
    private readonly folder: string,
    private readonly copies: readonly ProjectCopy[],
    private readonly times: Map<string, SpecTimes>,
  ) {}

  /**
   * Copies a project, without what it builds.
   * @param modelRuns how long the property specs of models run: the environment variable MODEL_RUNS
   */
  static async of(project: string, modelRuns: string): Promise<ProjectCopies> {
    const folder = await mkdtemp(join(await realpath(tmpdir()), 'mutants-'));
    const times = new Map<string, SpecTimes>();
    const copies = Array.from({ length: Math.min(MAX_COPIES, availableParallelism()) }, async (_, at) => {
      const directory = join(folder, String(at));
      await copyProject(project, directory);
      return new ProjectCopy(directory, { ...process.env, MODEL_RUNS: modelRuns }, times);
    });
    const made = new ProjectCopies(folder, await Promise.all(copies), times);
    process.once('exit', () => made.remove());
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
    return made;
  }

  /** Runs spec files without a mutant, and measures them. @returns the failures */
  async runUnchanged(specs: Iterable<string>): Promise<Failure[]> {
    const failures: Failure[] = [];
    await this.forEach([...new Set(specs)].toSorted(), async (spec, copy) => {
      const failure = await copy.runUnchanged(spec);
      if (failure !== undefined) failures.push(failure);
    });
    return failures;
  }

  /** How long spec files run without a mutant, in ms. */
  expectedMs(specs: readonly string[]): number {
    return specs.reduce((sum, spec) => sum + (this.times.get(spec)?.wholeMs ?? 0), 0);
  }

  /** Works on one item after another in each copy. */
  async forEach<T>(items: readonly T[], work: (item: T, copy: ProjectCopy) => Promise<void>): Promise<void> {
    const left = items.values();
    await Promise.all(
      this.copies.map(async (copy) => {
        for (const item of left) await work(item, copy);
      }),
    );
  }

  remove(): void {
    for (const copy of this.copies) copy.end();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** What `run-specs.mjs` sends. */
interface SpecResult {
  readonly result: {
    readonly slowestMs: number;
    /** The first failed case. */
    readonly failed?: string;
    /** Why the file could not run. */
    readonly broken?: string;
  };
  readonly isReusable: boolean;
}

/** What `run-specs.mjs` and `mutant-environment.mjs` send. */
type Message = { readonly started: string } | { readonly isIdle: true } | SpecResult;

/**
 * A copy in which one file at a time is mutated. Its child process runs spec files one after another, and is replaced when a spec hangs,
 * crashes or leaves something behind.
 */
export class ProjectCopy {
  private child: ChildProcess | undefined;

  constructor(
    private readonly directory: string,
    private readonly env: NodeJS.ProcessEnv,
    private readonly times: Map<string, SpecTimes>,
  ) {}

  async runUnchanged(spec: string): Promise<Failure | undefined> {
    const startedAt = performance.now();
    const { slowestCaseMs, failure } = await this.run(spec, UNCHANGED_CASE_MS);
    this.times.set(spec, { wholeMs: performance.now() - startedAt, slowestCaseMs });
    return failure;
  }

  /**
   * Changes a file, runs spec files in their order until one fails, and reverts the change.
   * @param limitMs no further spec file starts after this time, in ms
   * @throws what `change` throws
   */
  async firstFailure(
    file: string,
    change: (text: string) => string,
    specs: readonly string[],
    limitMs = Number.POSITIVE_INFINITY,
  ): Promise<Failure | undefined> {
    const path = join(this.directory, file);
    const text = readFileSync(path, 'utf8');
    const startedAt = performance.now();
    writeFileSync(path, change(text));
    try {
      for (const spec of specs) {
        if (performance.now() - startedAt > limitMs) return undefined;
        const caseMs = Math.max(LEAST_CASE_MS, 3 * (this.times.get(spec)?.slowestCaseMs ?? 0));
        const { failure } = await this.run(spec, caseMs);
        if (failure !== undefined) return failure;
      }
      return undefined;
    } finally {
      writeFileSync(path, text);
    }
  }

  end(): void {
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }

  /**
   * Runs a spec file up to its first failure. A case that hangs is a failure.
   * @param caseMs a case that takes longer hangs, in ms
   */
  private async run(spec: string, caseMs: number): Promise<{ slowestCaseMs: number; failure: Failure | undefined }> {
    this.child ??= this.start();
    const { child } = this;
    const { promise, resolve } = Promise.withResolvers<SpecResult>();
    let running = spec;
    const fail = (how: string): void =>
      resolve({ result: { slowestMs: 0, failed: `${running} (${how})` }, isReusable: false });
    const limit = setTimeout(fail, caseMs, 'hangs');
    const onMessage = (message: Message): void => {
      limit.refresh();
      if ('started' in message) running = message.started;
      else if ('isIdle' in message) fail('hangs');
      else resolve(message);
    };
    const onExit = (): void => fail('crashes');
    child.on('message', onMessage).once('exit', onExit);
    child.send(spec);
    const { result, isReusable } = await promise;
    clearTimeout(limit);
    child.off('message', onMessage).off('exit', onExit);
    if (!isReusable) this.end();
    const { slowestMs, failed, broken } = result;
    const reason = failed ?? broken;
    const failure = reason === undefined ? undefined : { spec, reason, isCase: failed !== undefined };
    return { slowestCaseMs: slowestMs, failure };
  }

  private start(): ChildProcess {
    return fork(join(this.directory, 'test/mutants/run-specs.mjs'), {
      cwd: this.directory,
      env: this.env,
      execArgv: ['--max-old-space-size=2048', '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
      stdio: 'ignore',
    });
  }
}

async function copyProject(project: string, copy: string): Promise<void> {
  await cp(project, copy, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  await linkPackages(project, copy);
  for (const name of RUN_BY_COPIES)
    await cp(join(PROJECT_DIRECTORY, 'test/mutants', name), join(copy, 'test/mutants', name));
}

/** Links the packages of a copy: those of its own workspaces lead to the copy, all others to the project. */
export async function linkPackages(project: string, copy: string): Promise<void> {
  const from = join(project, 'node_modules');
  const to = join(copy, 'node_modules');
  await mkdir(join(to, WORKSPACES), { recursive: true });
  for (const name of await readdir(from)) if (name !== WORKSPACES) await symlink(join(from, name), join(to, name));
  for (const name of await packagesOf(project)) await symlink(join(copy, 'libs', name), join(to, WORKSPACES, name));
}

/** Returns the names of the folders of libs/ that are packages. */
export async function packagesOf(project: string): Promise<string[]> {
  const names = await readdir(join(project, 'libs'));
  return names.filter((name) => existsSync(join(project, 'libs', name, 'package.json')));
}
