import type { ArgumentsHost } from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import { ParallelConsumerContext } from './parallel-consumer-context.js';

let kept = false;

/**
 * Patches Nest so that errors of handlers, guards, pipes and interceptors reach the engine as they were thrown.
 *
 * Nest's default exception filter replaces them by `{ status: 'error', message: 'Internal server error' }`, to hide internals from
 * a remote caller. This transport has no remote caller: the engine needs the error to classify it, and the dead letter reports
 * it. A strategy can't configure that filter, because Nest creates it per handler from the application's configuration. So this
 * function patches Nest's class, once, and only for attempts of this transport, which it recognizes by their context. The
 * application's own exception filters still run first.
 *
 * Rejected: a filter that each application must add. An application that forgets it would silently lose all error reasons.
 */
export function keepRealErrors(): void {
  if (kept) return;
  kept = true;
  const { prototype } = BaseRpcExceptionFilter;
  const original = Object.create(prototype, Object.getOwnPropertyDescriptors(prototype)) as BaseRpcExceptionFilter;
  prototype.catch = function catchForOtherTransports(
    this: BaseRpcExceptionFilter,
    exception: unknown,
    host: ArgumentsHost,
  ): Observable<unknown> {
    if (host.getArgByIndex<unknown>(1) instanceof ParallelConsumerContext) return throwError(() => exception);
    return original.catch.call(this, exception, host);
  };
}
