import { HttpStatus } from '@nestjs/common';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { Problem } from '#service/http/problem.js';
import { ScaledService } from './scaled-service.js';

/** An engine with one service, which refuses updates of an old version as Swarm does. */
class OneServiceEngine {
  version = 7;
  spec: Record<string, unknown> = {
    Name: 'orders_consumer',
    TaskTemplate: { ContainerSpec: { Image: 'orders-pipeline:1' } },
    Mode: { Replicated: { Replicas: 2 } },
  };
  state: string | undefined;
  readonly updates: unknown[] = [];
  calls = 0;
  isAway = false;
  /** Updates of other clients that come first. */
  overtaken = 0;

  async get(path: string): Promise<unknown> {
    this.calls += 1;
    if (this.isAway) throw new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'docker-away', 'The Docker engine is away.');
    if (path.startsWith('/tasks')) return [{ Status: { State: 'running' } }, { Status: { State: 'starting' } }];
    return {
      ID: 'abc',
      Version: { Index: this.version },
      Spec: this.spec,
      ...(this.state !== undefined && { UpdateStatus: { State: this.state } }),
    };
  }

  async post(path: string, body: unknown): Promise<unknown> {
    if (this.overtaken > 0) {
      this.overtaken -= 1;
      this.version += 1;
    }
    if (!path.includes(`version=${this.version}&`) && path.includes('version='))
      throw new Problem(
        HttpStatus.BAD_GATEWAY,
        'docker-refuses',
        'The Docker engine answers 500: update out of sequence',
      );
    this.updates.push(body);
    this.spec = body as Record<string, unknown>;
    this.version += 1;
    return {};
  }
}

describe('ScaledService', () => {
  let engine: OneServiceEngine;
  let service: ScaledService;
  let clock: ManualClock;

  beforeEach(() => {
    engine = new OneServiceEngine();
    clock = new ManualClock();
    service = new ScaledService(engine, { name: 'orders_consumer', min: 1, max: 4 }, clock);
  });

  it('reports the wanted and the running replicas', async () => {
    expect(await service.read()).toEqual({ replicas: 2, running: 1 });
  });

  it('asks the engine once in 5 s for checks, which need no token, whatever it answers', async () => {
    for (const isAway of [false, true, false]) {
      engine.isAway = isAway;
      engine.calls = 0;
      const results = await Promise.allSettled(Array.from({ length: 100 }, async () => service.check()));
      await clock.advance(4_999);
      results.push(...(await Promise.allSettled([service.check()])));
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set([isAway ? 'rejected' : 'fulfilled']));
      expect(engine.calls).toBe(isAway ? 1 : 2);
      await clock.advance(1);
    }
  });

  it('changes nothing but the replicas', async () => {
    const { Mode: _mode, ...others } = structuredClone(engine.spec);
    expect(await service.scale(4)).toMatchObject({ replicas: 4 });
    expect(engine.updates).toEqual([{ ...others, Mode: { Replicated: { Replicas: 4 } } }]);
  });

  it('sends no update if the number is the present one', async () => {
    await service.scale(2);
    expect(engine.updates).toEqual([]);
  });

  it.each([0, 5])('refuses %d, beyond its bounds', async (wanted) => {
    await expect(service.scale(wanted)).rejects.toMatchObject({ code: 'beyond-bounds' });
    expect(engine.updates).toEqual([]);
  });

  it.each(['updating', 'rollback_started'])('refuses while the service is %s', async (state) => {
    engine.state = state;
    await expect(service.scale(3)).rejects.toMatchObject({ code: 'update-in-progress' });
  });

  it('reads again if another client has changed the service meanwhile', async () => {
    engine.overtaken = 2;
    expect(await service.scale(3)).toMatchObject({ replicas: 3 });
    engine.overtaken = 3;
    await expect(service.scale(4)).rejects.toMatchObject({ code: 'docker-refuses' });
  });

  it('refuses a service that has no replicas', async () => {
    engine.spec = { Mode: { Global: {} } };
    await expect(service.read()).rejects.toMatchObject({ code: 'not-replicated' });
  });
});
