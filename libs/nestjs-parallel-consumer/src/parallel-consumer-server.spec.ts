/* oxlint-disable typescript/no-unnecessary-type-arguments -- otherwise Nest's first overload applies, which requires one typed parameter */
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { EMPTY, Subject, type Observable } from 'rxjs';
import { settle } from '@orders-pipeline/parallel-consumer/testing';
import { ParallelConsumerContext } from './parallel-consumer-context.js';
import { PARALLEL_CONSUMER } from './parallel-consumer-server.js';
import { RunningHandlers, TOPIC, TopicInMemory } from './testing/running-handlers.js';

describe('the parallel consumer as a Nest transport', () => {
  let running: RunningHandlers | undefined;

  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

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
    running = await RunningHandlers.start(Orders);
    await running.consume('{"id":7}');
    expect(seen).toEqual([{ id: 7 }, 7, [0, 0, 'key-0'], 1]);
    expect(running.server.getStatus(TOPIC)).toMatchObject({ finished: 1, deadLettered: 0, lag: 0 });
  });

  it('runs many records in parallel, but never two of one key', async () => {
    const release = new Subject<void>();
    const started: string[] = [];
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(@Payload() payload: string): Observable<void> {
        started.push(payload);
        return release;
      }
    }
    running = await RunningHandlers.start(Orders);
    for (const [key, value] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
      ['c', 'c1'],
    ] as const)
      running.topic.append(0, key, value);
    await running.topic.broker.fetch();
    await settle();
    expect(started).toEqual(['a1', 'b1', 'c1']);
    expect(running.server.getStatus(TOPIC).inFlight).toBe(3);
    release.complete();
    await settle();
    expect(started).toEqual(['a1', 'b1', 'c1', 'a2']);
  });

  it('finishes a record when the Observable of its handler completes, also an empty one', async () => {
    const stream = new Subject<number>();
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(@Payload() payload: string): Observable<number> {
        return payload === 'empty' ? EMPTY : stream;
      }
    }
    running = await RunningHandlers.start(Orders);
    await running.consume('long', 'empty');
    stream.next(1);
    await settle();
    expect(running.server.getStatus(TOPIC)).toMatchObject({ finished: 1, inFlight: 1 });
    stream.complete();
    await settle();
    expect(running.server.getStatus(TOPIC)).toMatchObject({ finished: 2, inFlight: 0 });
  });

  it('drains at close: running work ends and is committed, and no new work starts', async () => {
    const stream = new Subject<void>();
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(): Observable<void> {
        return stream;
      }
    }
    running = await RunningHandlers.start(Orders);
    const states: string[] = [];
    running.server.status.subscribe((state) => void states.push(state));
    running.topic.append(0, 'a', 'running');
    running.topic.append(0, 'a', 'waiting');
    await running.topic.broker.fetch();
    await settle();
    const closed = running.close();
    await settle();
    expect(states).toEqual(['running', 'draining']);
    stream.complete();
    await closed;
    expect(states).toEqual(['running', 'draining', 'stopped']);
    expect(running.server.getStatus(TOPIC)).toMatchObject({ state: 'stopped', finished: 1 });
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
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(): Observable<void> {
        calls.push('work');
        return stream;
      }
    }
    running = await RunningHandlers.start(Orders);
    running.server.setOnProcessingStartHook((_transport, _context, done) => {
      calls.push('start');
      void done();
    });
    running.server.setOnProcessingEndHook(() => void calls.push('end'));
    await running.consume('one');
    expect(calls).toEqual(['start', 'work']);
    expect(running.server.getStatus(TOPIC).finished).toBe(0);
    stream.complete();
    await settle();
    expect(calls).toEqual(['start', 'work', 'end']);
    expect(running.server.getStatus(TOPIC).finished).toBe(1);
  });

  it('passes records directly to the handler option, without Nest', async () => {
    @Controller()
    class NoHandlers {}
    const handled: string[] = [];
    running = await RunningHandlers.start(NoHandlers, {
      handler: async ({ value }, { number }) => void handled.push(`${String(value)}, attempt ${number}`),
    });
    await running.consume('one', 'two');
    expect(handled).toEqual(['one, attempt 1', 'two, attempt 1']);
    expect(running.server.getStatus(TOPIC).finished).toBe(2);
  });

  it('does not start when a topic has both a handler option and a handler method', async () => {
    @Controller()
    class Orders {
      @EventPattern<string>(TOPIC, PARALLEL_CONSUMER)
      save(): void {}
    }
    const starting = RunningHandlers.start(Orders, { handler: async () => undefined });
    await expect(starting).rejects.toMatchObject({ code: 'handler-without-topic' });
  });

  it('does not start with a request-response handler', async () => {
    @Controller()
    class Orders {
      @MessagePattern('total', PARALLEL_CONSUMER)
      total(): number {
        return 1;
      }
    }
    await expect(RunningHandlers.start(Orders)).rejects.toMatchObject({ code: 'request-response-handler' });
  });
});
