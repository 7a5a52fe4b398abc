import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { abortionOf } from '../../dev/machine/abortion.js';
import { requireFreeSpace } from '../../dev/machine/disk-space.js';
import { machineProcesses } from '../../dev/machine/process-table.js';
import type { ProcessRecord } from '../../dev/servers/process-records.js';
import { RunningStack, survivors } from '../../test/support/running-stack.js';

export interface OwnStackOptions {
  /** Of `npm start`. */
  readonly flags: readonly string[];
  /** What the data will take, about. */
  readonly neededMiB: number;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

const KILLED_WITHIN_MS = 10_000;

/** A whole stack as `npm start` runs it, on free ports and temporary data, which goes as it came: nothing is left of it. */
export class OwnStack {
  private constructor(
    private readonly stack: RunningStack,
    private readonly directory: string,
    private readonly print: (line: string) => void,
  ) {}

  /** Resolves when it is ready. @throws what kept it from that, or what the signal was aborted with */
  static async start({ flags, neededMiB, print, signal }: OwnStackOptions): Promise<OwnStack> {
    const directory = await mkdtemp(join(tmpdir(), 'orders-bench-'));
    let own: OwnStack | undefined;
    try {
      await requireFreeSpace(directory, neededMiB, 'the end-to-end run');
      // By this variable the stack watches its parent: killed without a warning, this process would leave it running.
      const env = { npm_lifecycle_event: 'bench' };
      own = new OwnStack(await RunningStack.launch({ dataDirectory: directory, flags, env }), directory, print);
      await Promise.race([own.stack.ready(), abortionOf(signal)]);
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

  processes(): ProcessRecord[] {
    return this.stack.processes();
  }

  /** Drains and stops it, kills what doesn't end within half a minute, and removes the data. */
  async stop(): Promise<void> {
    try {
      await this.stack.stop();
    } catch (error) {
      this.print(`the stack is killed: ${String(error)}`);
      await this.kill();
    } finally {
      await remove(this.directory);
    }
  }

  private async kill(): Promise<void> {
    const processes = this.processes();
    this.stack.signal('SIGKILL');
    for (const { pid } of processes) machineProcesses.signal(pid, 'SIGKILL');
    await survivors(processes, KILLED_WITHIN_MS);
  }
}

/** Again and again for a while: a server that was just killed may still write. */
async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
