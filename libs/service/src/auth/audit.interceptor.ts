import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { tap, type Observable } from 'rxjs';

/** What is done by a route that changes something, in one word. */
export const Audited = Reflector.createDecorator<string>();

/** Writes down who did what, once it is done: a line of the log with `audit`, whatever the level of the rest. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly logger: Logger,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const action = this.reflector.getAllAndOverride(Audited, [context.getHandler(), context.getClass()]);
    if (context.getType() !== 'http' || action === undefined) return next.handle();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return next.handle().pipe(tap((answer) => this.log(action, request, answer)));
  }

  private log(audit: string, { caller, id, ip, params }: FastifyRequest, answer: unknown): void {
    const subject = caller?.subject ?? null;
    const operation = idOf(params) ?? idOf(answer);
    this.logger.info(
      { audit, subject, clientId: caller?.clientId ?? null, ip, requestId: id, operation },
      `${audit} by ${subject ?? 'anybody'}`,
    );
  }
}

function idOf(holder: unknown): string | null {
  if (typeof holder !== 'object' || holder === null || !('id' in holder)) return null;
  return typeof holder.id === 'string' ? holder.id : null;
}
