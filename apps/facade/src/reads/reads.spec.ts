import { Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { HttpStatus } from '@nestjs/common';
import { settle } from '@orders-pipeline/clock/testing';
import { idOf } from '#orders/testing/an-order.js';
import { Problem } from '#service/http/problem.js';
import { SideUnavailableError } from '../sides/side.js';
import type { ObservedRequest } from '../comparison/observations.js';
import type { ReadStage } from '../stages/stages.js';
import { answerBody, readById, Reads, type ReadDependencies } from './reads.js';
import { legacyErrorOf } from '../sides/legacy-answers.js';

describe('reads', () => {
  let stage: ReadStage;
  /** What happens, in its order. */
  let events: string[];
  let untilReadable: () => Promise<void>;
  let ask: () => string;
  /** Of the legacy system's answer. */
  let status: number;

  beforeEach(() => {
    events = [];
    status = 200;
    untilReadable = async () => undefined;
    ask = () => '{}';
  });

  async function read(): Promise<string> {
    const reads = new Reads({
      stages: { stageOf: async () => ({ stage, version: 3 }), isCompared: () => true },
      intents: {
        untilReadable: async (side: string) => {
          events.push(`wait ${side}`);
          await untilReadable();
        },
      },
      sides: {
        legacy: {
          forward: async (_request: unknown, answer: (response: object) => unknown) => {
            events.push('ask legacy');
            return answer({ status, headers: {}, body: Readable.from([Buffer.from(ask())]) });
          },
        },
        new: {
          reads: {
            answer: async function* () {
              events.push('ask new');
              yield await Promise.resolve(ask());
            },
          },
        },
      },
      comparisons: { offer: () => void events.push('offer') },
      observations: {
        begin: ({ side, version }: ObservedRequest) => {
          return (outcome?: { readonly failed: boolean }) =>
            void events.push(`${side} ${version} ${outcome?.failed ? 'failed' : 'answered'}`);
        },
      },
      metrics: { read: () => undefined, added: () => undefined },
    } as unknown as ReadDependencies);
    const forwarded = { method: 'GET', path: '/orders/some', signal: new AbortController().signal } as const;
    const answer = await reads.answer({ capability: 'read-by-id', parsed: readById(idOf(1)), forwarded });
    return (answer.body as Buffer).toString();
  }

  it.each<[ReadStage, string[]]>([
    ['off', ['wait legacy', 'ask legacy', 'legacy 3 answered']],
    ['shadow', ['wait legacy', 'ask legacy', 'offer', 'legacy 3 answered']],
    ['live', ['wait new', 'ask new', 'offer', 'new 3 answered']],
    ['complete', ['wait new', 'ask new', 'new 3 answered']],
  ])(
    'in %s, wait for open writes, ask the side of the stage, and have it compared if both get all',
    async (at, expected) => {
      stage = at;
      expect(await read()).toBe('{}');
      expect(events).toEqual(expected);
    },
  );

  it('ask no side while writes stay open', async () => {
    stage = 'live';
    untilReadable = async () => Promise.reject(new Error('still open'));
    await expect(read()).rejects.toThrow('still open');
    expect(events).toEqual(['wait new']);
  });

  it.each([
    [404, 'answered'],
    [503, 'failed'],
  ])('pass a %d of the legacy system on, and count it as %s', async (given, counted) => {
    [stage, status] = ['off', given];
    expect(await read()).toBe('{}');
    expect(events.at(-1)).toBe(`legacy 3 ${counted}`);
  });

  it('count a side that gives no answer as failed', async () => {
    stage = 'live';
    ask = () => {
      throw new SideUnavailableError('new', 'time-out', 'it hangs');
    };
    await expect(read()).rejects.toBeInstanceOf(SideUnavailableError);
    expect(events).toEqual(['wait new', 'ask new', 'new 3 failed']);
  });
});

describe('the body of a long answer', () => {
  it('is read while the client reads it: one that does not read stops the side', async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent += 65_536;
        yield await Promise.resolve(Buffer.alloc(65_536));
      }
    }
    const body = (await answerBody(endless(), 0, () => undefined)) as Readable;
    body.once('readable', () => undefined);
    await settle();
    expect(sent).toBeLessThan(2 * 1024 * 1024);
    const before = sent;
    for await (const _piece of body) if (sent > before) break;
    expect(sent).toBeGreaterThan(before);
  });
});

const failure = (members: object) => Object.assign(new Error('why'), members);

describe('an error for a client of the legacy system', () => {
  it('is 503 with its code, if it ends by itself', () => {
    expect(legacyErrorOf(new SideUnavailableError('new', 'time-out', '10.0.0.7 hangs'))).toEqual({
      status: 503,
      code: 'new-away',
      message: 'the target gave no answer (time-out)',
    });
    for (const code of ['state-unknown', 'still-open', 'handing-over', 'writes-behind'])
      expect(legacyErrorOf(failure({ code }))).toEqual({ status: 503, code, message: 'why' });
  });

  it('keeps the status of a client error, and the headers of a problem', () => {
    expect(legacyErrorOf(failure({ statusCode: 400 }))).toEqual({ status: 400, message: 'why' });
    expect(legacyErrorOf(failure({ statusCode: 413, code: 'FST_X' }))).toEqual({
      status: 413,
      code: 'FST_X',
      message: 'why',
    });
    const problem = new Problem(
      HttpStatus.UNAUTHORIZED,
      'no-api-key',
      'a key is required',
      {},
      { 'WWW-Authenticate': 'Basic' },
    );
    expect(legacyErrorOf(problem)).toEqual({
      status: 401,
      code: 'no-api-key',
      message: 'a key is required',
      headers: { 'WWW-Authenticate': 'Basic' },
    });
  });

  it('shows nothing of an unexpected error', () => {
    expect(legacyErrorOf(new TypeError('secret'))).toBeUndefined();
    expect(legacyErrorOf(failure({ statusCode: 500 }))).toBeUndefined();
    expect(legacyErrorOf('secret')).toBeUndefined();
  });
});
