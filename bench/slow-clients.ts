import { connect, type Socket } from 'node:net';
import type { Bench } from './bench.js';
import { type HttpServer, openLoop, withFigures } from './http-server.js';
import { atMost, median, type Outcome, percentile, type Run, valuesOf } from './result.js';

/** Longer than the services wait for a body, and for a client that has stopped reading. */
const SECONDS = 40;
const QUICK_SECONDS = 5;
const WARM_UP_SECONDS = 5;
/** The p99 with slow clients may be this many times the p99 without them, or this many milliseconds more, whichever is more. */
const FACTOR = 2;
const MORE_MS = 20;

interface Disturbance {
  readonly server: HttpServer;
  /** Requests of the other clients. */
  readonly perSecond: number;
  readonly send: (nth: number) => Promise<unknown>;
  /** Begins to disturb. @returns a function that ends it, and says what came of it */
  readonly disturb: () => Promise<() => Promise<string>>;
}

/** Compares the p99 latency of the others with and without clients that disturb. */
export async function compareWithout(
  bench: Bench,
  { server, perSecond, send, disturb }: Disturbance,
): Promise<Outcome> {
  const requestsFor = async (contender: string, seconds: number): Promise<Run> => {
    const load = { perSecond, requests: perSecond * seconds };
    const { result, figures } = await withFigures(server, async () => openLoop(load, send));
    return { contender, value: percentile(result, 99), ...figures };
  };
  await requestsFor('warm-up', WARM_UP_SECONDS);
  const seconds = bench.quick ? QUICK_SECONDS : SECONDS;
  let came = '';
  const turns = await bench.repeat(2, async () => {
    const calm = await requestsFor('alone', seconds);
    const end = await disturb();
    const disturbed = await requestsFor('with slow clients', seconds);
    came = await end();
    return { calm, disturbed };
  });
  const [calm, subject] = [turns.map((turn) => turn.calm), turns.map((turn) => turn.disturbed)];
  const alone = median(valuesOf(calm));
  return atMost(Math.max(FACTOR * alone, alone + MORE_MS), {
    unit: 'ms',
    subject,
    runs: [...calm, ...subject],
    notes: [`${alone.toFixed(1)} ms without them; ${came}`],
  });
}

const EVERY_MS = 1_000;
/** More bytes than a client sends before the service refuses it. */
const ANNOUNCED_BYTES = 60_000;

/** Clients that begin a request with a JSON body and then send one byte a second. One that is refused connects again. */
export class SlowClients {
  private readonly sockets = new Set<Socket>();
  private readonly timer: NodeJS.Timeout;
  private isStopped = false;
  /** How often the service has ended a connection. */
  refused = 0;

  /** @param url of the service @param path takes a JSON body by POST */
  constructor(
    private readonly url: URL,
    private readonly path: string,
    count: number,
  ) {
    for (let nth = 0; nth < count; nth += 1) this.begin();
    this.timer = setInterval(() => {
      for (const socket of this.sockets) socket.write('[');
    }, EVERY_MS);
  }

  stop(): void {
    this.isStopped = true;
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
  }

  private begin(): void {
    const socket = connect(Number(this.url.port), this.url.hostname);
    this.sockets.add(socket);
    socket.write(
      `POST ${this.path} HTTP/1.1\r\nhost: ${this.url.host}\r\ncontent-type: application/json\r\ncontent-length: ${ANNOUNCED_BYTES}\r\n\r\n`,
    );
    // The service may reset the connection; `close` follows.
    socket.on('error', () => undefined).resume();
    socket.once('close', () => {
      this.sockets.delete(socket);
      if (this.isStopped) return;
      this.refused += 1;
      this.begin();
    });
  }
}
