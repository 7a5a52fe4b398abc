import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListedArchive } from '../../apps/admin/src/archive/read-archives.js';
import { runDocumented, type DocumentedRun } from './documented/run-documented.js';
import type { TestSystem } from './test-system.js';
import { runApp, startApp, type Run } from './run-app.js';

/** Archives of a pipeline in a temporary folder, by the commands of the administrator. */
export class Archives {
  private constructor(
    private readonly pipeline: TestSystem,
    readonly folder: string,
  ) {}

  static async of(pipeline: TestSystem): Promise<Archives> {
    return new Archives(pipeline, await mkdtemp(join(tmpdir(), 'orders-archive-')));
  }

  /** The same pipeline, with archives in another folder. */
  in(folder: string): Archives {
    return new Archives(this.pipeline, folder);
  }

  async run(...args: string[]): Promise<Run> {
    return runApp('admin', this.env, 'archive', ...args);
  }

  /** Runs a command of docs/archive.md. */
  async documented(command: string, replacing: NonNullable<DocumentedRun['replacing']>): Promise<Run> {
    return runDocumented(command, { replacing, env: this.env });
  }

  /** Starts a command that the spec ends. */
  start(...args: string[]): ReturnType<typeof startApp> {
    return startApp('admin', this.env, 'archive', ...args);
  }

  /** Archives what was saved before a time. */
  async archive(before: Date, ...options: string[]): Promise<Run> {
    return this.run(this.folder, '--before', before.toISOString(), ...options);
  }

  async list(...options: string[]): Promise<{ code: number; archives: ListedArchive[] }> {
    const { code, stdout, stderr } = await this.run('list', this.folder, '--json', ...options);
    if (stdout === '') throw new Error(stderr);
    return { code, archives: JSON.parse(stdout) as ListedArchive[] };
  }

  async files(): Promise<string[]> {
    return (await readdir(this.folder)).toSorted();
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private get env(): NodeJS.ProcessEnv {
    const { brokers, mongodbUri } = this.pipeline;
    return { KAFKA_BROKERS: brokers, MONGODB_URI: mongodbUri };
  }
}
