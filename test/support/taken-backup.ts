import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { renderManifest, type Manifest, verifiedBackup } from '../../apps/admin/src/backup/manifest.js';
import { runDocumented } from './documented/run-documented.js';
import { TestSystem } from './test-system.js';
import { startApp, type Run } from './started-app.js';

/** Where docs/run.md keeps a backup. */
export const EXAMPLE_FOLDER = '/backups/2026-11-28';

/** A pipeline's backup, whose pipeline has ended, and the servers that it can be restored to. */
export class TakenBackup {
  private constructor(
    /** The folder of all backups. */
    readonly folder: string,
    /** The settings of the servers, without a database. */
    readonly servers: Readonly<Record<'KAFKA_BROKERS' | 'SCHEMA_REGISTRY_URL', string>>,
    /** The database that was backed up. */
    readonly source: string,
    readonly manifest: Manifest,
    private readonly client: MongoClient,
  ) {}

  /** Runs a pipeline, fills it, and backs it up when it has ended. @param fill waits until all is saved */
  static async of(fill: (pipeline: TestSystem) => Promise<void>): Promise<TakenBackup> {
    const pipeline = await TestSystem.start({ flags: ['--no-console', '--save-ms', '0..5'] });
    const { brokers, registryUrl, mongodbUri: source } = pipeline;
    try {
      await fill(pipeline);
    } finally {
      await pipeline.stop();
    }
    const folder = await mkdtemp(join(tmpdir(), 'orders-backups-'));
    const servers = { KAFKA_BROKERS: brokers, SCHEMA_REGISTRY_URL: registryUrl };
    const env = { ...servers, MONGODB_URI: source };
    const path = join(folder, 'backup');
    const replacing = { [EXAMPLE_FOLDER]: path };
    const { code, stderr } = await runDocumented('npm run admin -- backup /backups/2026-11-28', { replacing, env });
    if (code !== 0) throw new Error(`the backup ended with ${code}: ${stderr}`);
    const client = await MongoClient.connect(source);
    return new TakenBackup(folder, servers, source, await verifiedBackup(path), client);
  }

  /** The folder of the backup. */
  get path(): string {
    return join(this.folder, 'backup');
  }

  async remove(): Promise<void> {
    await this.client.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Runs `npm run admin` on a database. */
  async admin(uri: string, ...args: readonly string[]): Promise<Run> {
    return this.start(uri, ...args).ended;
  }

  /** Starts `npm run admin`, which the test may kill. */
  start(uri: string, ...args: readonly string[]): ReturnType<typeof startApp> {
    return startApp('admin', { ...this.servers, MONGODB_URI: uri }, ...args);
  }

  /** Returns the address of an empty database. */
  emptyDatabase(): string {
    const uri = new URL(this.source);
    uri.pathname = `/restored-${crypto.randomUUID()}`;
    return uri.href;
  }

  databaseOf(uri: string): Db {
    return this.client.db(new URL(uri).pathname.slice(1));
  }

  /** Returns a copy of the backup, which a test may damage. */
  async copied(): Promise<string> {
    const copy = join(this.folder, crypto.randomUUID());
    await cp(this.path, copy, { recursive: true });
    return copy;
  }

  /** Returns a copy with another manifest, and its right hash. */
  async rewritten(change: Partial<Manifest>): Promise<string> {
    const copy = await this.copied();
    await writeFile(join(copy, 'manifest.json'), renderManifest({ ...this.manifest, ...change }));
    return copy;
  }
}
