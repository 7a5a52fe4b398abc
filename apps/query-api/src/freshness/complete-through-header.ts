import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CompleteThrough } from './complete-through.js';

const COMPLETE_THROUGH = 'X-Complete-Through';

/** The header's description in the OpenAPI document. */
export const COMPLETE_THROUGH_HEADERS = {
  [COMPLETE_THROUGH]: {
    description:
      'The watermark: every order up to this number was saved, dead-lettered or cancelled when the request arrived. An order of a ' +
      'cancelled operation can still appear below it if the producer was killed after it sent the order and before it stored the acknowledgement.',
    schema: { type: 'integer' as const },
  },
};

/**
 * Sets the watermark header on each response, error responses included. The watermark is read when the request arrives.
 *
 * It is a guard that always passes. Guards run after the authentication guard and before anything that can reject the request. An
 * interceptor would wrap each response in an observable, which lowers the rate of single-order reads by 1/14.
 */
@Injectable()
export class CompleteThroughHeader implements CanActivate {
  constructor(private readonly completeThrough: CompleteThrough) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const number = await this.completeThrough.number();
    void context.switchToHttp().getResponse<FastifyReply>().header(COMPLETE_THROUGH, String(number));
    return true;
  }
}
