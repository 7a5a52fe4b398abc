import { describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson, bodyOf, type Answerer } from '../testing/local-producer.js';
import { OPERATION, SUCCEEDED } from '../testing/operation-example.js';

const ID = OPERATION.id;

describe('populate', () => {
  it('sends the given options, and leaves the other defaults to the producer', async () => {
    const bodies: unknown[] = [];
    const answer: Answerer = async (request, response) => {
      bodies.push(JSON.parse((await bodyOf(request)).toString()));
      answerJson(response, 202, OPERATION);
    };
    const { exitCode, out, err } = await runOrders(['populate', '5'], answer);
    expect([exitCode, bodies[0]]).toEqual([0, { count: 5 }]);
    expect(out).toMatch(/^sent +600 of 1,000, 100\/s, 0:04 left$/m);
    expect(err).toBe(`Follow it: npm run orders -- watch ${ID}\n`);
    const options = '--rate 0.5 --seed 7 --chunk-size 10 --accounts 3 --from a --to b --poison 0.1 --conflict 0';
    const second = await runOrders(['populate', '5', ...options.split(' '), '--key', 'mine', '--json'], answer);
    expect(bodies[1]).toEqual({
      count: 5,
      ratePerSecond: 0.5,
      seed: 7,
      chunkSize: 10,
      accounts: 3,
      from: 'a',
      to: 'b',
      faults: { poison: 0.1, conflict: 0 },
    });
    expect([JSON.parse(second.out), second.err]).toEqual([OPERATION, '']);
    expect(second.arrivals[0]?.headers['idempotency-key']).toBe('mine');
  });

  it('populates once despite broken connections, with a generated key', async () => {
    const { exitCode, arrivals } = await runOrders(['populate', '5'], (request, response, at) => {
      if (at < 2) request.socket.destroy();
      else answerJson(response, 202, OPERATION);
    });
    expect(exitCode).toBe(0);
    const keys = arrivals.map(({ headers }) => headers['idempotency-key']);
    expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
    const broken = await runOrders(['populate', '5'], (request) => void request.socket.destroy());
    const [, key = ''] = /with --key ([\da-f-]{36}): it starts the operation at most once/.exec(broken.err) ?? [];
    expect(broken.arrivals[0]?.headers['idempotency-key']).toBe(key);
    expect(keys).not.toContain(key);
  });

  it('populates and watches until the operation ends', async () => {
    const { exitCode, out, requests } = await runOrders(
      ['populate', '1000', '--watch', '--json'],
      (request, response) => {
        if (request.method === 'POST') answerJson(response, 202, OPERATION);
        else response.end(`event: done\nid: x\ndata: ${JSON.stringify(SUCCEEDED)}\n\n`);
      },
    );
    expect([exitCode, JSON.parse(out)]).toEqual([0, SUCCEEDED]);
    expect(requests).toEqual(['POST /v1/populate', `GET /v1/operations/${ID}/events`]);
  });
});
