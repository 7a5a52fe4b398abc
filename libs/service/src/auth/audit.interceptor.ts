import { UseInterceptors, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { tap, type Observable } from 'rxjs';
import { createLogger } from '../process/logs.js';

/** Always at level `info`, independent of the service's log level. */
const auditLog = createLogger('audit', 'info');

/**
 * Logs who called a route that changes something, once the call has succeeded: with `audit` and the id of the changed operation.
 * @param action the action, in one word
 */
export function Audited(action: string): MethodDecorator {
  return UseInterceptors(new AuditInterceptor(action));
}

class AuditInterceptor implements NestInterceptor {
  constructor(private readonly action: string) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return next.handle().pipe(tap((response) => this.log(request, response)));
  }

  private log({ caller, id, ip, params }: FastifyRequest, response: unknown): void {
    const subject = caller?.subject ?? null;
    const operation = idOf(params) ?? idOf(response);
    auditLog.info(
      { audit: this.action, subject, clientId: caller?.clientId ?? null, ip, requestId: id, operation },
      `${this.action} by ${subject ?? 'anonymous'}`,
    );
  }
}

function idOf(holder: unknown): string | null {
  if (typeof holder !== 'object' || holder === null || !('id' in holder)) return null;
  return typeof holder.id === 'string' ? holder.id : null;
}
