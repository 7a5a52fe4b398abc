/* oxlint-disable typescript/no-unnecessary-type-arguments -- otherwise Nest's first overload applies, which requires one typed parameter */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  Catch,
  Controller,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ExceptionFilter,
} from '@nestjs/common';
import { BaseRpcExceptionFilter, EventPattern, Payload, RpcException } from '@nestjs/microservices';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { EMPTY, lastValueFrom, map, throwError, type Observable } from 'rxjs';
import { PARALLEL_CONSUMER } from './parallel-consumer-server.js';
import { keepRealErrors } from './real-errors.js';
import type { TopicOptions } from './server-options.js';
import { RunningHandlers, TOPIC } from './testing/running-handlers.js';

class OutOfStockError extends Error {
  readonly code = 'out-of-stock';
}

describe('the error that the engine receives', () => {
  let running: RunningHandlers | undefined;

  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  /** Runs one record through the controller's handler, and returns the classified errors. */
  async function collectErrors(controller: new () => object, options: Partial<TopicOptions> = {}): Promise<unknown[]> {
    const errors: unknown[] = [];
    const classify = (error: unknown) => {
      errors.push(error);
      return 'poison' as const;
    };
    running = await RunningHandlers.start(controller, { classify, ...options });
    await running.consume('one');
    return errors;
  }

  it.each([
    [
      'rejected promise',
      async (error: Error) => {
        throw error;
      },
    ],
    ['failed Observable', (error: Error) => throwError(() => error)],
    [
      'synchronous throw',
      (error: Error) => {
        throw error;
      },
    ],
  ])('is the handler’s original error: %s', async (_how, fail) => {
    const thrown = new OutOfStockError('none left');
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(): unknown {
        return fail(thrown);
      }
    }
    expect(await collectErrors(Orders)).toEqual([thrown]);
    expect(running?.topic.deadLetters).toEqual([['one', 'out-of-stock', 'none left', '1']]);
  });

  it('is an interceptor’s original error', async () => {
    const thrown = new OutOfStockError('while mapping');
    @Controller()
    class Orders {
      @UseInterceptors({
        intercept: (_context, next) =>
          next.handle().pipe(
            map(() => {
              throw thrown;
            }),
          ),
      })
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(): void {
        return undefined;
      }
    }
    expect(await collectErrors(Orders)).toEqual([thrown]);
  });

  it('is Nest’s RpcException when a guard denies, and the guard’s original error when it throws', async () => {
    const thrown = new OutOfStockError('by the guard');
    @Controller()
    class Refusing {
      @UseGuards({ canActivate: () => false })
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(): void {
        throw new Error('must not be reached');
      }
    }
    @Controller()
    class Throwing {
      @UseGuards({
        canActivate: () => {
          throw thrown;
        },
      })
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(): void {
        throw new Error('must not be reached');
      }
    }
    expect(await collectErrors(Refusing)).toEqual([new RpcException('Forbidden resource')]);
    expect(await collectErrors(Throwing)).toEqual([thrown]);
  });

  it('is a pipe’s original error; a payload that the pipe rejects is poison and not retried', async () => {
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(
        @Payload({
          transform: (value: unknown) => {
            throw new BadRequestException(`no order: ${String(value)}`);
          },
        })
        _order: object,
      ): void {
        throw new Error('must not be reached');
      }
    }
    running = await RunningHandlers.start(Orders, { maxAttempts: 5 });
    await running.consume('one');
    expect(running.topic.deadLetters).toEqual([['one', 'BadRequestException', 'no order: one', '1']]);
  });

  it('is the result of the application’s exception filter; a filter that completes finishes the record', async () => {
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
    const handlerWith = (filter: ExceptionFilter) => {
      @Controller()
      class Orders {
        @UseFilters(filter)
        @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
        save(): void {
          throw new OutOfStockError('none left');
        }
      }
      return Orders;
    };
    expect(await collectErrors(handlerWith(new Renaming()))).toEqual([new RangeError('renamed')]);
    expect(await collectErrors(handlerWith(new PassingOn()))).toEqual([new OutOfStockError('none left')]);
    expect(await collectErrors(handlerWith(new Forgiving()))).toEqual([]);
    expect(running?.server.getStatus(TOPIC).finished).toBe(1);
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
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(@Payload() payload: unknown): void {
        handled.push(payload);
      }
    }
    const deserializer: TopicOptions['deserializer'] = async ({ value }) => {
      if (isUnavailable) throw Object.assign(new Error('registry unavailable'), { code: 'ECONNREFUSED' });
      return JSON.parse(String(value)) as unknown;
    };
    // The handler's own classifier does not apply, even if it returns `environment` for everything.
    running = await RunningHandlers.start(Orders, { deserializer, classify: () => 'environment' });
    await running.consume('{"id":1}', '{"id":');
    expect(running.server.getStatus(TOPIC)).toMatchObject({ finished: 0, suspendedSince: expect.any(Number) });
    isUnavailable = false;
    await running.topic.clock.advance(10_000);
    expect(handled).toEqual([{ id: 1 }]);
    expect(running.topic.deadLetters).toEqual([
      ['{"id":', 'undeserializable', expect.stringMatching(/^the value can't be deserialized: .*JSON/), '1'],
    ]);
  });
});
