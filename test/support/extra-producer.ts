import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../dev/machine/ports.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { eventually } from './eventually.js';
import type { RunningStack } from './running-stack.js';

/** Beside the servers of another spec, a start takes 18 s on two cores. */
const START_WITHIN_MS = 60_000;

/** A second producer on the servers of a running stack. */
export class ExtraProducer {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** Resolves when it is ready. @param clockShiftMs the error of its wall clock, in ms */
  static async start(stack: RunningStack, clockShiftMs = 0): Promise<ExtraProducer> {
    const port = await freePort();
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
      NODE_OPTIONS: `--import ${shiftedClock(clockShiftMs)}`,
    };
    const script = join(PROJECT_DIRECTORY, 'dist/apps/producer/src/main.js');
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    const url = `http://127.0.0.1:${port}`;
    const producer = new ExtraProducer(child, url);
    try {
      await eventually('another producer is ready', START_WITHIN_MS, async () => {
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

  /** Resolves when the process has ended. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

/** Returns an import that shifts the clock, as on a machine whose clock was wrong when the process started. */
function shiftedClock(byMs: number): string {
  const script = `
    const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...given) { if (given.length === 0) super(Right.now() + ${byMs}); else super(...given); }
      static now() { return Right.now() + ${byMs}; }
    };
    const origin = performance.timeOrigin;
    Object.defineProperty(performance, 'timeOrigin', { get: () => origin + ${byMs} });`;
  return `data:text/javascript,${encodeURIComponent(script)}`;
}
