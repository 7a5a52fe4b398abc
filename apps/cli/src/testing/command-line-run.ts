import { runCommandLine } from '../command-line.js';
import type { TextStream } from '../terminal/output.js';
import { ImmediateClock, LocalProducer, type Answerer } from './local-servers.js';

/** The result of one command line. */
export interface CommandLineRun {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
  /** The requests that the services received, such as `GET /v1/operations`, `POST /console/v1/…` and `GET /facade/v1/…`. */
  readonly requests: readonly string[];
  /** The JSON bodies that they received. */
  readonly bodies: readonly unknown[];
  /** The values of a header that they received. */
  readonly headers: (name: string) => unknown[];
}

interface RunOptions {
  readonly workingDirectory?: string;
  /** Environment variables besides the addresses of the services. */
  readonly env?: NodeJS.ProcessEnv;
  /** When Ctrl-C is pressed, twice. */
  readonly interrupted?: Promise<void>;
}

/**
 * Runs a command line without a TTY, against services that exist only for this run: the producer, and below it the console and the facade.
 * @param args the arguments, or a line of them
 * @param answer how the services answer
 */
export async function runOrders(
  args: readonly string[] | string,
  answer: Answerer = () => undefined,
  { workingDirectory = '.', env = {}, interrupted }: RunOptions = {},
): Promise<CommandLineRun> {
  const producer = await LocalProducer.start(answer);
  const { url } = producer;
  const out = new RecordedStream();
  const err = new RecordedStream();
  try {
    const exitCode = await runCommandLine(typeof args === 'string' ? args.split(' ') : args, {
      env: { ORDERS_URL: url, ORDERS_CONSOLE_URL: `${url}/console`, ORDERS_FACADE_URL: `${url}/facade`, ...env },
      terminal: { out, err },
      clock: new ImmediateClock(),
      workingDirectory,
      onInterrupt: (listener) => void interrupted?.then(listener).then(listener),
    });
    const bodies = producer.arrivals.flatMap(({ body }) => (body === '' ? [] : [JSON.parse(body) as unknown]));
    const { requests } = producer;
    return { exitCode, out: out.text, err: err.text, requests, bodies, headers: (name) => producer.headers(name) };
  } finally {
    await producer.stop();
  }
}

/** A standard stream that records its output, for specs. */
export class RecordedStream implements TextStream {
  text = '';

  constructor(
    readonly isTTY = false,
    readonly columns?: number,
  ) {}

  write(text: string): void {
    this.text += text;
  }

  /** The complete lines written so far. */
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}
