import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { retry, throwError, timer, type Observable } from 'rxjs';
import { isConnectionLost } from './database-unavailable.js';

const REPEATS = 3;
/** Time enough for the driver to notice that the member is down. From then on, its calls wait for a new primary. */
const PAUSE_MS = 100;

/**
 * Repeats a GET request whose connection to MongoDB broke, so that clients do not notice that a primary died. The driver repeats a
 * read once, often before it has noticed that the member is down, and does not repeat a read that failed while being sent, nor the
 * further batches of a cursor.
 *
 * Not repeated: other methods, and a response that has begun.
 */
export class RepeatedReads implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    if (http.getRequest<FastifyRequest>().method !== 'GET') return next.handle();
    const reply = http.getResponse<FastifyReply>();
    const delay = (error: unknown): Observable<unknown> =>
      isConnectionLost(error) && !reply.sent ? timer(PAUSE_MS) : throwError(() => error);
    return next.handle().pipe(retry({ count: REPEATS, delay }));
  }
}
