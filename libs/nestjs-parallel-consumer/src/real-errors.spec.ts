/* oxlint-disable typescript/no-unnecessary-type-arguments -- otherwise Nest's first overload applies, which requires one typed parameter */
import { describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  Catch,
  Controller,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ExceptionFilter,
  type Type,
} from '@nestjs/common';
import { BaseRpcExceptionFilter, EventPattern, Payload, RpcException } from '@nestjs/microservices';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { EMPTY, lastValueFrom, map, throwError, type Observable } from 'rxjs';
import { PARALLEL_CONSUMER, keepRealErrors } from './parallel-consumer-server.js';
import type { TopicOptions } from './topic-consumer.js';
import { handling, TOPIC, useRunningHandlers, type RunningHandlers } from './testing/running-handlers.js';

class OutOfStockError extends Error {
  readonly code = 'out-of-stock';
}

const THROWN = new OutOfStockError('none left');

function fail(): never {
  throw THROWN;
}

function mustNotBeReached(): never {
  throw new Error('must not be reached');
}

@Catch(OutOfStockError)
class Renaming implements ExceptionFilter {
  catch(): Observable<never> {
    return throwError(() => new RangeError('renamed'));
  }
}

@Catch(OutOfStockError)
class Forgiving implements ExceptionFilter {
  catch(): Observable<never> {
    return EMPTY;
  }
}

@Catch()
class PassingOn extends BaseRpcExceptionFilter {}

describe('the error that the engine receives', () => {
  const start = useRunningHandlers();

  /** Runs one record through the controller's handler. @returns the classified errors */
  async function collectErrors(controller: Type): Promise<{ errors: unknown[]; running: RunningHandlers }> {
    const errors: unknown[] = [];
    const classify = (error: unknown) => {
      errors.push(error);
      return 'poison' as const;
    };
    const running = await start(controller, { classify });
    await running.consume('one');
    return { errors, running };
  }

  it.each<[string, () => unknown]>([
    ['rejected promise', async () => fail()],
    ['failed Observable', () => throwError(() => THROWN)],
    ['synchronous throw', fail],
  ])('is the handler’s original error: %s', async (_how, failing) => {
    const { errors, running } = await collectErrors(handling(failing));
    expect(errors).toEqual([THROWN]);
    expect(running.topic.deadLetters).toEqual([['one', 'out-of-stock', 'none left', '1']]);
  });

  it.each<[string, unknown[], Type]>([
    [
      'an interceptor’s original error',
      [THROWN],
      handling(() => undefined, UseInterceptors({ intercept: (_context, next) => next.handle().pipe(map(fail)) })),
    ],
    [
      'Nest’s RpcException when a guard denies',
      [new RpcException('Forbidden resource')],
      handling(mustNotBeReached, UseGuards({ canActivate: () => false })),
    ],
    [
      'the guard’s original error when it throws',
      [THROWN],
      handling(mustNotBeReached, UseGuards({ canActivate: fail })),
    ],
    ['the result of an exception filter', [new RangeError('renamed')], handling(fail, UseFilters(new Renaming()))],
    ['the original error behind a filter that passes it on', [THROWN], handling(fail, UseFilters(new PassingOn()))],
  ])('is %s', async (_what, expected, controller) => {
    expect((await collectErrors(controller)).errors).toEqual(expected);
  });

  it('is none when an exception filter completes: the record is finished', async () => {
    const { errors, running } = await collectErrors(handling(fail, UseFilters(new Forgiving())));
    expect([errors, running.status.finished]).toEqual([[], 1]);
  });

  it('is a pipe’s original error; a payload that the pipe rejects is dead-lettered and not retried', async () => {
    const pipe = {
      transform: (value: unknown) => {
        throw new BadRequestException(`no order: ${String(value)}`);
      },
    };
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(@Payload(pipe) _order: object): void {
        mustNotBeReached();
      }
    }
    const running = await start(Orders, { maxAttempts: 5 });
    await running.consume('one');
    expect(running.topic.deadLetters).toEqual([['one', 'BadRequestException', 'no order: one', '1']]);
  });

  it('stays hidden from the callers of other transports', async () => {
    keepRealErrors();
    const host = new ExecutionContextHost(['payload', { anything: 'else' }]);
    const answer = new BaseRpcExceptionFilter().catch(new RpcException('for the caller'), host);
    await expect(lastValueFrom(answer)).rejects.toEqual({ status: 'error', message: 'for the caller' });
  });

  it('is poison for a deserializer, except for a network error: then the record waits', async () => {
    const handled: unknown[] = [];
    let isUnavailable = true;
    const deserializer: TopicOptions['deserializer'] = async ({ value }) => {
      if (isUnavailable) throw Object.assign(new Error('registry unavailable'), { code: 'ECONNREFUSED' });
      return JSON.parse(String(value)) as unknown;
    };
    // The handler's own classifier does not apply, even if it returns `environment` for everything.
    const running = await start(
      handling((payload) => void handled.push(payload)),
      { deserializer, classify: () => 'environment' },
    );
    await running.consume('{"id":1}', '{"id":');
    expect(running.status).toMatchObject({ finished: 0, suspendedSince: expect.any(Number) });
    isUnavailable = false;
    await running.topic.clock.advance(10_000);
    expect(handled).toEqual([{ id: 1 }]);
    expect(running.topic.deadLetters).toEqual([
      ['{"id":', 'undeserializable', expect.stringMatching(/^the value can't be deserialized: .*JSON/), '1'],
    ]);
  });
});
