import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Pipeline } from '../support/pipeline.js';
import { runApp, type Run } from '../support/run-app.js';
import { RunningStack } from '../support/running-stack.js';

const FLAGS = ['--no-console', '--save-ms', '0..20'];

/** The stack of `npm start` on one data folder, which a disaster hits. */
export class DisasterStack {
  private stack: RunningStack | undefined;
  private pipeline: Pipeline | undefined;

  constructor(private readonly data: string) {}

  /** The running pipeline. */
  get running(): Pipeline {
    if (this.pipeline === undefined) throw new Error('the stack does not run');
    return this.pipeline;
  }

  /** @returns `ready`, once it is */
  async start(...flags: readonly string[]): Promise<string> {
    this.stack = await RunningStack.start({ dataDirectory: this.data, flags: [...FLAGS, ...flags] });
    this.pipeline = await Pipeline.of(this.stack);
    return 'ready';
  }

  async stop(): Promise<void> {
    const { pipeline } = this;
    this.pipeline = undefined;
    await pipeline?.close();
    await pipeline?.stack.stop();
  }

  /** Kills every process at once, and removes the data of MongoDB. */
  async loseMongodb(): Promise<void> {
    await this.running.close();
    this.pipeline = undefined;
    await this.stack?.killAll();
    await rm(join(this.data, 'mongodb'), { recursive: true, force: true });
  }

  /** Runs `npm run admin`. */
  async admin(...args: readonly string[]): Promise<Run> {
    const { brokers, mongodbUri, registryUrl } = this.running.stack;
    const servers = { KAFKA_BROKERS: brokers, MONGODB_URI: mongodbUri, SCHEMA_REGISTRY_URL: registryUrl };
    return runApp('admin', servers, ...args);
  }
}
