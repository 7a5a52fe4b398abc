/* oxlint-disable typescript/no-unnecessary-type-arguments -- without it Nest's first overload is taken, which wants exactly one typed parameter */
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

describe('the error that the engine gets', () => {
  let running: RunningHandlers | undefined;

  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  /** Runs one record through the controller's handler, and returns the classified errors. */
  async function errorsOf(controller: new () => object, options: Partial<TopicOptions> = {}): Promise<unknown[]> {
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
      'of a promise',
      async (error: Error) => {
        throw error;
      },
    ],
    ['of a stream', (error: Error) => throwError(() => error)],
    [
      'thrown at once',
      (error: Error) => {
        throw error;
      },
    ],
  ])('is the very one of the handler: %s', async (_how, fail) => {
    const thrown = new OutOfStockError('none left');
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(): unknown {
        return fail(thrown);
      }
    }
    expect(await errorsOf(Orders)).toEqual([thrown]);
    expect(running?.topic.deadLetters).toEqual([['one', 'out-of-stock', 'none left', '1']]);
  });

  it('is the very one of an interceptor', async () => {
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
    expect(await errorsOf(Orders)).toEqual([thrown]);
  });

  it('is Nest’s RpcException when a guard says no, and what it threw when it threw', async () => {
    const thrown = new OutOfStockError('by the guard');
    @Controller()
    class Refusing {
      @UseGuards({ canActivate: () => false })
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(): void {
        throw new Error('not to be reached');
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
        throw new Error('not to be reached');
      }
    }
    expect(await errorsOf(Refusing)).toEqual([new RpcException('Forbidden resource')]);
    expect(await errorsOf(Throwing)).toEqual([thrown]);
  });

  it('is a pipe’s own; a payload that it refuses is poison, without another try', async () => {
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
        throw new Error('not to be reached');
      }
    }
    running = await RunningHandlers.start(Orders, { maxAttempts: 5 });
    await running.consume('one');
    expect(running.topic.deadLetters).toEqual([['one', 'BadRequestException', 'no order: one', '1']]);
  });

  it('is what a filter of the application makes of it; a filter that answers takes the record for done', async () => {
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
    expect(await errorsOf(handlerWith(new Renaming()))).toEqual([new RangeError('renamed')]);
    expect(await errorsOf(handlerWith(new PassingOn()))).toEqual([new OutOfStockError('none left')]);
    expect(await errorsOf(handlerWith(new Forgiving()))).toEqual([]);
    expect(running?.server.statusOf(TOPIC).finished).toBe(1);
  });

  it('is hidden as ever from the callers of other transports', async () => {
    keepRealErrors();
    const host = new ExecutionContextHost(['payload', { anything: 'else' }]);
    const answer = new BaseRpcExceptionFilter().catch(new RpcException('for the caller'), host);
    await expect(lastValueFrom(answer)).rejects.toEqual({ status: 'error', message: 'for the caller' });
  });

  it('of a deserializer is poison, unless the network is to blame: then the record waits', async () => {
    const handled: unknown[] = [];
    let isAway = true;
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(@Payload() payload: unknown): void {
        handled.push(payload);
      }
    }
    const deserializer: TopicOptions['deserializer'] = async ({ value }) => {
      if (isAway) throw Object.assign(new Error('registry away'), { code: 'ECONNREFUSED' });
      return JSON.parse(String(value)) as unknown;
    };
    // A classifier of the handler's that takes everything for the environment's has no say in it.
    running = await RunningHandlers.start(Orders, { deserializer, classify: () => 'environment' });
    await running.consume('{"id":1}', '{"id":');
    expect(running.server.statusOf(TOPIC)).toMatchObject({ finished: 0, suspendedSince: expect.any(Number) });
    isAway = false;
    await running.topic.clock.advance(10_000);
    expect(handled).toEqual([{ id: 1 }]);
    expect(running.topic.deadLetters).toEqual([
      ['{"id":', 'undeserializable', expect.stringMatching(/^the value can't be deserialized: .*JSON/), '1'],
    ]);
  });
});
