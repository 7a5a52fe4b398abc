import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freePort } from '../../dev/machine/ports.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { eventually } from './eventually.js';
import type { TestedStack } from './running-stack.js';

const SHIFTED_CLOCK = pathToFileURL(join(PROJECT_DIRECTORY, 'test/chaos/cluster/shifted-clock.ts')).href;

/** A second producer on the servers of a running stack. */
export class ExtraProducer {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly clockFile: string,
  ) {}

  /** Resolves when it is ready. @param clockShiftMs the error of its wall clock, in ms */
  static async start(stack: TestedStack, clockShiftMs = 0): Promise<ExtraProducer> {
    const port = await freePort();
    const clockFile = join(await mkdtemp(join(tmpdir(), 'orders-clock-')), 'shift');
    await writeFile(clockFile, String(clockShiftMs));
    const env = {
      ...process.env,
      PORT: String(port),
      KAFKA_BROKERS: stack.brokers,
      MONGODB_URI: stack.mongodbUri,
      SCHEMA_REGISTRY_URL: stack.registryUrl,
      TOPIC_REPLICATION_FACTOR: '1',
      TOPIC_MIN_INSYNC_REPLICAS: '1',
      ALLOW_FAULT_INJECTION: 'true',
      LOG_LEVEL: 'error',
      NODE_OPTIONS: `--import ${SHIFTED_CLOCK}`,
      CLOCK_SHIFT_FILE: clockFile,
    };
    const script = join(PROJECT_DIRECTORY, 'dist/apps/producer/src/main.js');
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    const url = `http://127.0.0.1:${port}`;
    const producer = new ExtraProducer(child, url, clockFile);
    try {
      await eventually('another producer is ready', async () => {
        const response = await fetch(`${url}/health/ready`).catch(() => undefined);
        return response?.status === 200;
      });
    } catch (error) {
      await producer.kill();
      throw error;
    }
    return producer;
  }

  /** Stops the process, so that it hangs, or lets it continue. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(name);
  }

  /** Sets its wall clock while it runs. @param byMs the error, in ms */
  async setClock(byMs: number): Promise<void> {
    await writeFile(this.clockFile, String(byMs));
  }

  /** Resolves when the process has ended. */
  async kill(): Promise<void> {
    await rm(dirname(this.clockFile), { recursive: true, force: true });
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}
