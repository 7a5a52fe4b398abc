import { rm } from 'node:fs/promises';
import type { DocumentedCommand } from '../support/documented/commands.js';
import { runDocumented, type DocumentedRun } from '../support/documented/run-documented.js';
import { writeKafkaScripts } from '../support/foreign-clients/kafka-scripts.js';
import { TestSystem } from '../support/test-system.js';
import type { Run } from '../support/run-app.js';

/** Each command starts npm, which checks the packages and the compiled sources first. */
export const MINUTE = 60_000;

/** A shell in the project's folder, for the commands of the pages for operators, and the pipeline that they are for. */
export class OperatorShell {
  private constructor(
    readonly pipeline: TestSystem,
    private readonly scripts: string,
  ) {}

  static async open(): Promise<OperatorShell> {
    const [scripts, pipeline] = await Promise.all([
      writeKafkaScripts(),
      TestSystem.start({ flags: ['--legacy', '--save-ms', '0..5'] }),
    ]);
    return new OperatorShell(pipeline, scripts);
  }

  async close(): Promise<void> {
    await this.pipeline.stop();
    await rm(this.scripts, { recursive: true, force: true });
  }

  async run(
    command: DocumentedCommand | readonly DocumentedCommand[],
    replacing: DocumentedRun['replacing'] = {},
  ): Promise<Run> {
    const { producerUrl, consoleUrl, facadeUrl, brokers, mongodbUri } = this.pipeline;
    const env = {
      ORDERS_URL: producerUrl,
      ORDERS_CONSOLE_URL: consoleUrl,
      ORDERS_FACADE_URL: facadeUrl,
      KAFKA_BROKERS: brokers,
      MONGODB_URI: mongodbUri,
    };
    return runDocumented(command, { replacing, env, programs: [this.scripts] });
  }

  /** Runs a command that must end with 0. @returns its output. @throws Error with its output otherwise */
  async output(...[command, replacing]: Parameters<OperatorShell['run']>): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, replacing);
    if (code !== 0) throw new Error(`${String(command)} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }
}

/** Returns `host:port` of an address. */
export function hostOf(url: string): string {
  return new URL(url).host;
}
