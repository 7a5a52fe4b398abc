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
  readonly pathAt: (nth: number) => string;
}

/**
 * Sends each request at its scheduled time, even when earlier ones are not answered, and measures the latency from then. So a pause of the
 * server shows in all requests that waited (no coordinated omission).
 * @returns latency in milliseconds of each request
 */
export async function openLoop(server: HttpServer, { perSecond, requests, pathAt }: OpenLoop): Promise<number[]> {
  const startedAt = performance.now();
  const send = async (nth: number): Promise<number> => {
    const dueAt = startedAt + (nth / perSecond) * 1_000;
    await pause(systemClock, Math.max(0, dueAt - performance.now()));
    await server.text(pathAt(nth));
    return performance.now() - dueAt;
  };
  return Promise.all(Array.from({ length: requests }, async (_, nth) => send(nth)));
}
