import { pause, systemClock } from '@orders-pipeline/clock';
import type { Measurement } from '../harness/measurement.js';
import type { HttpServer } from './http-server.js';
import { measureServer } from './measured-server.js';

export interface ClosedLoop {
  readonly requests: number;
  /** Concurrent requests. */
  readonly concurrency: number;
  readonly pathAt: (nth: number) => string;
}

/** Sends each request when an earlier one has been answered, and so measures the maximum rate of the server. */
export async function closedLoop(
  server: HttpServer,
  { requests, concurrency, pathAt }: ClosedLoop,
): Promise<Measurement> {
  return measureServer(server, requests, async (finished) => {
    let sent = 0;
    const sendRequests = async (): Promise<void> => {
      while (sent < requests) {
        const nth = sent;
        sent += 1;
        await server.text(pathAt(nth));
        finished(1);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, sendRequests));
  });
}

export interface OpenLoop {
  readonly perSecond: number;
  readonly requests: number;
}

/**
 * Sends each request at its scheduled time, even when earlier ones are not answered, and measures the latency from then. So a pause of the
 * server shows in all requests that waited (no coordinated omission). A request exists only from its time on: timers of all of them would
 * make garbage collections of this process long, and count as latency.
 * @returns latency in milliseconds of each request
 */
export async function openLoop(
  { perSecond, requests }: OpenLoop,
  send: (nth: number) => Promise<unknown>,
): Promise<number[]> {
  const latencies = new Float64Array(requests);
  const startedAt = performance.now();
  const answered: Promise<void>[] = [];
  for (let nth = 0; nth < requests; nth += 1) {
    const dueAt = startedAt + (nth / perSecond) * 1_000;
    const early = dueAt - performance.now();
    if (early > 0) await pause(systemClock, early);
    const measure = async (): Promise<void> => {
      // A timer counts whole milliseconds, so that a request may be up to one too early.
      const since = Math.min(dueAt, performance.now());
      await send(nth);
      latencies[nth] = performance.now() - since;
    };
    const answer = measure();
    // Reported at the end.
    answer.catch(() => undefined);
    answered.push(answer);
  }
  await Promise.all(answered);
  return [...latencies];
}
