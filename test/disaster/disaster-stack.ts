import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runApp, type Run } from '../support/run-app.js';
import { TestSystem } from '../support/test-system.js';

const FLAGS = ['--no-console', '--save-ms', '0..20'];

/** The system of `npm start` on one data folder, which a disaster hits. */
export class DisasterStack {
  private system: TestSystem | undefined;

  constructor(private readonly data: string) {}

  /** The running pipeline. */
  get running(): TestSystem {
    if (this.system === undefined) throw new Error('the stack does not run');
    return this.system;
  }

  /** @returns `ready`, once it is */
  async start(...flags: readonly string[]): Promise<string> {
    const plan = { servers: 'own', dataDirectory: this.data, flags: [...FLAGS, ...flags] } as const;
    this.system = await TestSystem.start(plan);
    return 'ready';
  }

  async stop(): Promise<void> {
    const { system } = this;
    this.system = undefined;
    await system?.stop();
  }

  /** Kills every process at once, and removes the data of MongoDB. */
  async loseMongodb(): Promise<void> {
    const { running } = this;
    this.system = undefined;
    await running.killAll();
    await rm(join(this.data, 'mongodb'), { recursive: true, force: true });
  }

  /** Runs `npm run admin`. */
  async admin(...args: readonly string[]): Promise<Run> {
    const { brokers, mongodbUri, registryUrl } = this.running;
    const servers = { KAFKA_BROKERS: brokers, MONGODB_URI: mongodbUri, SCHEMA_REGISTRY_URL: registryUrl };
    return runApp('admin', servers, ...args);
  }
}
