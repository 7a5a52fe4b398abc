import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { tap, type Observable } from 'rxjs';
import { createLogger } from '../logs.js';

/** Whatever the level of the rest. */
const auditLog = createLogger('audit', 'info');

/**
 * Of a route that changes something: once it is done, a line of the log says who did it, with `audit` and the id of what it was done to.
 * @param action what is done, in one word
 */
export function Audited(action: string): MethodDecorator {
  return UseInterceptors(new AuditInterceptor(action));
}

class AuditInterceptor implements NestInterceptor {
  constructor(private readonly action: string) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return next.handle().pipe(tap((answer) => this.log(request, answer)));
  }

  private log({ caller, id, ip, params }: FastifyRequest, answer: unknown): void {
    const subject = caller?.subject ?? null;
    const operation = idOf(params) ?? idOf(answer);
    auditLog.info(
      { audit: this.action, subject, clientId: caller?.clientId ?? null, ip, requestId: id, operation },
      `${this.action} by ${subject ?? 'anybody'}`,
    );
  }
}

function idOf(holder: unknown): string | null {
  if (typeof holder !== 'object' || holder === null || !('id' in holder)) return null;
  return typeof holder.id === 'string' ? holder.id : null;
}
