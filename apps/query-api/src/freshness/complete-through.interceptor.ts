import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Observable } from 'rxjs';
import { CompleteThrough } from './complete-through.js';

export const COMPLETE_THROUGH = 'X-Complete-Through';

/** Tells with each answer, refusals included, up to which number the orders were complete when it was asked for. */
@Injectable()
export class CompleteThroughInterceptor implements NestInterceptor {
  constructor(private readonly completeThrough: CompleteThrough) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const number = await this.completeThrough.number();
    void context.switchToHttp().getResponse<FastifyReply>().header(COMPLETE_THROUGH, String(number));
    return next.handle();
  }
}
