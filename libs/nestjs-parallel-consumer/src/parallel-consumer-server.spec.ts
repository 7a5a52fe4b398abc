/* oxlint-disable typescript/no-unnecessary-type-arguments -- otherwise Nest's first overload applies, which requires one typed parameter */
import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EMPTY, Subject } from 'rxjs';
import { settle } from '@orders-pipeline/parallel-consumer/testing';
import { ParallelConsumerContext } from './topic-consumer.js';
import { PARALLEL_CONSUMER } from './parallel-consumer-server.js';
import { handling, TOPIC, TopicInMemory, useRunningHandlers } from './testing/running-handlers.js';

@Controller()
class Replying {
  @MessagePattern('total', PARALLEL_CONSUMER)
  total(): number {
    return 1;
  }
}

describe('the parallel consumer as a Nest transport', () => {
  const start = useRunningHandlers();

  it('passes the parsed value and the record to a plain event handler', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(@Payload() payload: unknown, @Payload('id') id: number, @Ctx() context: ParallelConsumerContext): void {
        const { record, attempt } = context;
        seen.push(payload, id, [record.partition, record.offset, String(record.key)], attempt.number);
        expect(context.getArgs()).toEqual([record, attempt]);
      }
    }
    const running = await start(Orders);
    await running.consume('{"id":7}');
    expect(seen).toEqual([{ id: 7 }, 7, [0, 0, 'key-0'], 1]);
    expect(running.status).toMatchObject({ finished: 1, deadLettered: 0, lag: 0 });
  });

  it('runs many records in parallel, but never two of one key', async () => {
    const release = new Subject<void>();
    const started: unknown[] = [];
    const running = await start(
      handling((payload) => {
        started.push(payload);
        return release;
      }),
    );
    for (const value of ['a1', 'b1', 'a2', 'c1']) running.topic.append(0, value.slice(0, 1), value);
    await running.topic.broker.fetch();
    await settle();
    expect(started).toEqual(['a1', 'b1', 'c1']);
    expect(running.status.inFlight).toBe(3);
    release.complete();
    await settle();
    expect(started).toEqual(['a1', 'b1', 'c1', 'a2']);
  });

  it('finishes a record when the Observable of its handler completes, also an empty one', async () => {
    const stream = new Subject<number>();
    const running = await start(handling((payload) => (payload === 'empty' ? EMPTY : stream)));
    await running.consume('long', 'empty');
    stream.next(1);
    await settle();
    expect(running.status).toMatchObject({ finished: 1, inFlight: 1 });
    stream.complete();
    await settle();
    expect(running.status).toMatchObject({ finished: 2, inFlight: 0 });
  });

  it('drains at close: running work ends and is committed, and no new work starts', async () => {
    const stream = new Subject<void>();
    const running = await start(handling(() => stream));
    const states: string[] = [];
    running.server.status.subscribe((state) => void states.push(state));
    for (const value of ['running', 'waiting']) running.topic.append(0, 'a', value);
    await running.topic.broker.fetch();
    await settle();
    const closed = running.close();
    await settle();
    expect(states).toEqual(['running', 'draining']);
    stream.complete();
    await closed;
    expect(states).toEqual(['running', 'draining', 'stopped']);
    expect(running.status).toMatchObject({ state: 'stopped', finished: 1 });
    expect(running.topic.committed(0)).toBe(1);
  });

  it('works in a hybrid application with request-scoped providers', async () => {
    const seen: string[] = [];
    @Injectable({ scope: Scope.REQUEST })
    class PerRecord {
      save(payload: string): void {
        seen.push(payload);
        if (payload === 'bad') throw new Error('the real reason');
      }
    }
    @Controller()
    class Orders {
      constructor(private readonly perRecord: PerRecord) {}

      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(@Payload() payload: string): void {
        this.perRecord.save(payload);
      }
    }
    @Module({ controllers: [Orders], providers: [PerRecord] })
    class AppModule {}
    const topic = new TopicInMemory();
    const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
    app.connectMicroservice({ strategy: topic.server() });
    await app.init();
    await app.startAllMicroservices();
    topic.append(0, 'a', 'good');
    topic.append(0, 'b', 'bad');
    await topic.consume();
    await app.close();
    expect(seen).toEqual(['good', 'bad', 'bad']);
    expect(topic.deadLetters).toEqual([['bad', 'Error', 'the real reason', '2']]);
    expect(topic.committed(0)).toBe(2);
  });

  it('runs Nest’s hooks around each attempt, and ignores their return values', async () => {
    const stream = new Subject<void>();
    const calls: string[] = [];
    const running = await start(
      handling(() => {
        calls.push('work');
        return stream;
      }),
    );
    running.server.setOnProcessingStartHook((_transport, _context, done) => {
      calls.push('start');
      void done();
    });
    running.server.setOnProcessingEndHook(() => void calls.push('end'));
    await running.consume('one');
    expect([calls, running.status.finished]).toEqual([['start', 'work'], 0]);
    stream.complete();
    await settle();
    expect([calls, running.status.finished]).toEqual([['start', 'work', 'end'], 1]);
  });

  it('passes records directly to the handler option, without Nest', async () => {
    @Controller()
    class NoHandlers {}
    const handled: string[] = [];
    const running = await start(NoHandlers, {
      handler: async ({ value }, { number }) => void handled.push(`${String(value)}, attempt ${number}`),
    });
    await running.consume('one', 'two');
    expect(handled).toEqual(['one, attempt 1', 'two, attempt 1']);
    expect(running.status.finished).toBe(2);
  });

  it.each([
    ['both a handler option and a handler method', 'handler-without-topic', handling(() => undefined), true],
    ['a request-response handler', 'request-response-handler', Replying, false],
  ])('does not start with %s', async (_, code, controller, hasOption) => {
    const options = hasOption ? { handler: async () => undefined } : {};
    await expect(start(controller, options)).rejects.toMatchObject({ code });
  });
});
