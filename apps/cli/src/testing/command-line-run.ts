import { runCommandLine } from '../command-line.js';
import { HastyClock } from './hasty-clock.js';
import { LocalProducer, type Answerer, type Arrival } from './local-producer.js';
import { RecordedStream } from './recorded-stream.js';

/** What became of one command line. */
export interface CommandLineRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  /** Such as `GET /v1/operations`. */
  readonly asked: readonly string[];
  readonly arrivals: readonly Arrival[];
}

interface RunOptions {
  readonly workingDirectory?: string;
  /** Besides ORDERS_URL. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a command line to its end, without a TTY.
 * @param answer how the producer answers, which is there for this run only
 */
export async function runOrders(
  args: readonly string[],
  answer: Answerer = () => undefined,
  { workingDirectory = '.', env = {} }: RunOptions = {},
): Promise<CommandLineRun> {
  const producer = await LocalProducer.start(answer);
  const out = new RecordedStream();
  const err = new RecordedStream();
  try {
    const exitCode = await runCommandLine(args, {
      env: { ORDERS_URL: producer.url, ...env },
      terminal: { out, err },
      clock: new HastyClock(),
      workingDirectory,
      onInterrupt: () => undefined,
    });
    const { arrivals } = producer;
    const asked = arrivals.map(({ method, path }) => `${method} ${path}`);
    return { exitCode, out: out.text, err: err.text, asked, arrivals };
  } finally {
    await producer.stop();
  }
}
