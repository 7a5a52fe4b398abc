import { runCommandLine } from '../command-line.js';
import { ImmediateClock } from './immediate-clock.js';
import { LocalProducer, type Answerer, type Arrival } from './local-producer.js';
import { RecordedStream } from './recorded-stream.js';

/** The result of one command line. */
export interface CommandLineRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  /** The requests that the producer received, such as `GET /v1/operations`. */
  readonly requests: readonly string[];
  readonly arrivals: readonly Arrival[];
}

interface RunOptions {
  readonly workingDirectory?: string;
  /** Environment variables besides the addresses of the producer and the facade. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a command line without a TTY, against a producer that exists only for this run.
 * @param answer how the producer answers
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
      env: { ORDERS_URL: producer.url, ORDERS_FACADE_URL: producer.url, ...env },
      terminal: { out, err },
      clock: new ImmediateClock(),
      workingDirectory,
      onInterrupt: () => undefined,
    });
    const { arrivals } = producer;
    const requests = arrivals.map(({ method, path }) => `${method} ${path}`);
    return { exitCode, out: out.text, err: err.text, requests, arrivals };
  } finally {
    await producer.stop();
  }
}
