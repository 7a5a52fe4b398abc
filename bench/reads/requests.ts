import { pause, systemClock } from '#parallel-consumer/clock.js';
import type { Measurement } from '../harness/measurement.js';
import type { HttpServer } from './http-server.js';
import { measureServer } from './measured-server.js';

export interface ClosedLoop {
  readonly requests: number;
  /** Of them on their way at a time. */
  readonly atOnce: number;
  readonly pathAt: (nth: number) => string;
}

/** As many requests a second as the server answers: the next one is sent when one has been answered. */
export async function closedLoop(server: HttpServer, { requests, atOnce, pathAt }: ClosedLoop): Promise<Measurement> {
  return measureServer(server, requests, async (finished) => {
    let sent = 0;
    const askOn = async (): Promise<void> => {
      while (sent < requests) {
        const nth = sent;
        sent += 1;
        await server.text(pathAt(nth));
        finished(1);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, askOn));
  });
}

export interface OpenLoop {
  readonly perSecond: number;
  readonly requests: number;
  readonly pathAt: (nth: number) => string;
}

/**
 * Sends each request when it is due, whether or not those before are answered, and takes the time from then: a server that stands still
 * for a moment has kept all of them waiting, and each says so.
 * @returns milliseconds, one for each request
 */
export async function openLoop(server: HttpServer, { perSecond, requests, pathAt }: OpenLoop): Promise<number[]> {
  const startedAt = performance.now();
  const ask = async (nth: number): Promise<number> => {
    const dueAt = startedAt + (nth / perSecond) * 1_000;
    await pause(systemClock, Math.max(0, dueAt - performance.now()));
    await server.text(pathAt(nth));
    return performance.now() - dueAt;
  };
  return Promise.all(Array.from({ length: requests }, async (_, nth) => ask(nth)));
}
