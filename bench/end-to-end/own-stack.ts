import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rejectOnAbort } from '../../dev/machine/abortion.js';
import { requireFreeSpace } from '../../dev/machine/disk-space.js';
import type { ProcessRecord } from '../../dev/servers/process-records.js';
import { RunningStack } from '../../test/support/running-stack.js';

export interface OwnStackOptions {
  /** Flags of `npm start`. */
  readonly flags: readonly string[];
  /** Approximate disk space of the data. */
  readonly neededMiB: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A whole stack as `npm start` runs it, on free ports and temporary data. Leaves nothing behind. */
export class OwnStack {
  private constructor(
    private readonly stack: RunningStack,
    private readonly directory: string,
    private readonly print: (line: string) => void,
  ) {}

  /** Resolves when the stack is ready. @throws the start-up error, or the abort reason of the signal */
  static async start({ flags, neededMiB, print, signal }: OwnStackOptions): Promise<OwnStack> {
    const directory = await mkdtemp(join(tmpdir(), 'orders-bench-'));
    let own: OwnStack | undefined;
    try {
      await requireFreeSpace(directory, neededMiB, 'the end-to-end run');
      // With this variable the stack watches its parent. Otherwise it would keep running when this process is killed.
      const env = { npm_lifecycle_event: 'bench' };
      own = new OwnStack(await RunningStack.launch({ dataDirectory: directory, flags, env }), directory, print);
      await Promise.race([own.stack.ready(), rejectOnAbort(signal)]);
      return own;
    } catch (error) {
      if (own === undefined) await remove(directory);
      else await own.stop();
      throw error;
    }
  }

  get producerUrl(): string {
    return this.stack.producerUrl;
  }

  get consoleUrl(): string {
    return this.stack.consoleUrl;
  }

  get brokers(): string {
    return this.stack.brokers;
  }

  get mongodbUri(): string {
    return this.stack.mongodbUri;
  }

  /** Only of a secured stack. */
  get issuerUrl(): string {
    return this.stack.issuerUrl;
  }

  processes(): ProcessRecord[] {
    return this.stack.processes();
  }

  /** Drains and stops the stack, kills processes that do not exit within 30 s, and removes the data. */
  async stop(): Promise<void> {
    try {
      await this.stack.stop();
    } catch (error) {
      this.print(`killing the stack: ${String(error)}`);
      await this.kill();
    } finally {
      await remove(this.directory);
    }
  }

  private async kill(): Promise<void> {
    await this.stack.killAll();
  }
}

/** Retries, because a server that was just killed may still be writing. */
async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
