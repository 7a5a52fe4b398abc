import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, realpath, symlink } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { SpecProcess } from './spec-process.js';

const MAX_COPIES = 4;
const NOT_COPIED = new Set(['.git', '.data', '.cache', 'dist', 'node_modules']);
const RUN_BY_COPIES = ['jest.config.mjs', 'mutant-environment.mjs', 'reproducible-runs.mjs', 'run-specs.mjs'];
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

/** A copy in which one file at a time is mutated. */
export class ProjectCopy {
  private readonly specs: SpecProcess;

  constructor(
    private readonly directory: string,
    env: NodeJS.ProcessEnv,
    private readonly times: Map<string, SpecTimes>,
  ) {
    this.specs = new SpecProcess(join(directory, 'test/mutants/run-specs.mjs'), directory, env);
  }

  async runUnchanged(spec: string): Promise<Failure | undefined> {
    const startedAt = performance.now();
    const { slowestMs, ...result } = await this.specs.run(spec, UNCHANGED_CASE_MS);
    this.times.set(spec, { wholeMs: performance.now() - startedAt, slowestCaseMs: slowestMs });
    return failureOf(spec, result);
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
        const failure = failureOf(spec, await this.specs.run(spec, caseMs));
        if (failure !== undefined) return failure;
      }
      return undefined;
    } finally {
      writeFileSync(path, text);
    }
  }

  end(): void {
    this.specs.end();
  }
}

function failureOf(spec: string, { failed, broken }: { failed?: string; broken?: string }): Failure | undefined {
  if (failed !== undefined) return { spec, reason: failed, isCase: true };
  return broken === undefined ? undefined : { spec, reason: broken, isCase: false };
}

/** The links of packages lead to the project, and those of its workspaces to the copy. */
async function copyProject(project: string, copy: string): Promise<void> {
  await cp(project, copy, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  await mkdir(join(copy, 'node_modules/@orders-pipeline'), { recursive: true });
  for (const name of await readdir(join(project, 'node_modules')))
    if (name !== '@orders-pipeline')
      await symlink(join(project, 'node_modules', name), join(copy, 'node_modules', name));
  for (const name of await readdir(join(project, 'node_modules/@orders-pipeline')))
    await symlink(join(copy, 'libs', name), join(copy, 'node_modules/@orders-pipeline', name));
  for (const name of RUN_BY_COPIES)
    await cp(join(PROJECT_DIRECTORY, 'test/mutants', name), join(copy, 'test/mutants', name));
}
