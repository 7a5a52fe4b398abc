import { runDocumented, type DocumentedRun } from '../support/documented/run-documented.js';
import type { Run } from '../support/started-app.js';
import type { TestedStack } from '../support/tested-stack.js';

type Commands = Parameters<typeof runDocumented>[0];
type Replacing = DocumentedRun['replacing'];

/** Runs commands of the pages against a stack, whose addresses stand for those that the pages have. */
export class DocumentedShell {
  /** @param programs folders of programs that this machine lacks, such as Kafka's scripts */
  constructor(
    private readonly stack: TestedStack,
    private readonly programs: readonly string[],
  ) {}

  async run(command: Commands, replacing: Replacing = {}): Promise<Run> {
    const { producerUrl, consoleUrl, facadeUrl, brokers, mongodbUri } = this.stack;
    const env = {
      ORDERS_URL: producerUrl,
      ORDERS_CONSOLE_URL: consoleUrl,
      ORDERS_FACADE_URL: facadeUrl,
      KAFKA_BROKERS: brokers,
      MONGODB_URI: mongodbUri,
    };
    const all = { ...this.addressesIn([command].flat().join('\n')), ...replacing };
    return runDocumented(command, { replacing: all, env, programs: this.programs });
  }

  /** Runs a command that must end with 0. @returns its output. @throws Error with its output otherwise */
  async output(command: Commands, replacing?: Replacing): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, replacing);
    if (code !== 0) throw new Error(`${String(command)} ended with ${code}: ${stdout}${stderr}`);
    return stdout;
  }

  private addressesIn(command: string): Record<string, string> {
    const { queryApiUrl, producerUrl, consoleUrl, facadeUrl, legacyUrl } = this.stack;
    const services = { 3000: queryApiUrl, 3001: producerUrl, 3002: consoleUrl, 3005: facadeUrl, 3010: legacyUrl };
    const addresses = Object.entries(services).map(([port, url]) => [`localhost:${port}`, new URL(url).host] as const);
    return Object.fromEntries(addresses.filter(([address]) => command.includes(address)));
  }
}
