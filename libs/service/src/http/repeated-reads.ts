import type { FastifyReply, FastifyRequest } from 'fastify';
import { systemClock } from '@orders-pipeline/clock';
import { isConnectionLost } from '../mongodb/database-unavailable.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** How often its handler was called again. */
    repeats?: number;
  }
  interface FastifyContextConfig {
    /** The route changes nothing, although its method is not GET: a failed request is repeated as well. */
    onlyReads?: boolean;
  }
}

const MAX_REPEATS = 3;
/** Time enough for the driver to notice that the member is down. From then on, its calls wait for a new primary. */
const PAUSE_MS = 100;

/**
 * Calls the handler of a read again if its connection to MongoDB broke, so that clients do not notice that a primary died. The driver
 * repeats a read once, often before it has noticed that the member is down, and does not repeat a read that failed while being sent,
 * nor the further batches of a cursor.
 *
 * It is called with errors only, since an interceptor costs each read 6 %. Guards and pipes run again too.
 * @returns whether the handler will respond; false for writes, other errors, after three repeats, and once the response has begun
 */
export function repeatRead(error: unknown, request: FastifyRequest, reply: FastifyReply): boolean {
  const repeats = request.repeats ?? 0;
  if (!isConnectionLost(error) || repeats === MAX_REPEATS || reply.sent) return false;
  const { method, handler, config } = request.routeOptions;
  if (method !== 'GET' && config.onlyReads !== true) return false;
  request.repeats = repeats + 1;
  // Nest's handlers catch every error.
  systemClock.after(PAUSE_MS, () => void handler.call(request.server, request, reply));
  return true;
}
