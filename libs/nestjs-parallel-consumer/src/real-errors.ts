import type { ArgumentsHost } from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { ParallelConsumerContext } from './parallel-consumer-context.js';

let kept = false;

/**
 * Lets the errors of handlers, guards, pipes and interceptors reach the engine as they were thrown.
 *
 * Nest's last exception filter replaces them by `{ status: 'error', message: 'Internal server error' }`, which tells a caller
 * nothing of the inside. Here nobody is called: the engine needs the error to say whose fault it is, and the dead letter to
 * tell it. A strategy has no say in that filter (it is made per handler, out of the application's configuration), so Nest's
 * class itself is changed, once, and for attempts of this transport only, known by their context. Exception filters of the
 * application come before it, as ever. Rejected: asking everybody to add a filter of ours, since who forgets it loses every
 * reason without a sign.
 */
export function keepRealErrors(): void {
  if (kept) return;
  kept = true;
  const { prototype } = BaseRpcExceptionFilter;
  const original = Object.create(prototype, Object.getOwnPropertyDescriptors(prototype)) as BaseRpcExceptionFilter;
  prototype.catch = function catchUnlessOurs(
    this: BaseRpcExceptionFilter,
    exception: unknown,
    host: ArgumentsHost,
  ): Observable<unknown> {
    if (host.getArgByIndex<unknown>(1) instanceof ParallelConsumerContext) return throwError(() => exception);
    return original.catch.call(this, exception, host);
  };
}
