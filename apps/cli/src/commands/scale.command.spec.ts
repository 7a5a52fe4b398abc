import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { runOrders, type CommandLineRun } from '../testing/command-line-run.js';
import { answerJson, LocalProducer, type Answerer } from '../testing/local-producer.js';

/** Runs a command line with a console that answers so. */
async function withConsole(
  args: readonly string[],
  answer: Answerer,
): Promise<CommandLineRun & { atConsole: string[] }> {
  const console = await LocalProducer.start(answer);
  try {
    const run = await runOrders(args, undefined, { env: { ORDERS_CONSOLE_URL: console.url } });
    return { ...run, atConsole: console.arrivals.map(({ method, path }) => `${method} ${path}`) };
  } finally {
    await console.stop();
  }
}

const HELPED = { outcome: 'faster', factor: 3.9, bound: null, text: 'x3.90, helped' };

function scalingTo(consumers: number, secondsAgo: number, verdict: typeof HELPED | null): object {
  return {
    secondsAgo,
    kind: 'scaling',
    from: { consumers: 1 },
    to: { consumers },
    before: 1_950,
    after: 7_600,
    verdict,
  };
}

/** Two consumers, and one that is not heard of any more. */
const withTwoAlready: Answerer = ({ method }, response) => {
  if (method === 'POST') return answerJson(response, 202, { count: 2, idle: 0 });
  const consumers = [{ inFlight: 7 }, { inFlight: 0 }, { inFlight: null }];
  return answerJson(response, 200, { consumers, changes: [scalingTo(2, 90, HELPED)] });
};

describe('scale', () => {
  it('asks the console for so many consumers, not the producer', async () => {
    const bodies: unknown[] = [];
    const run = await withConsole(['scale', '4'], async (request, response) => {
      bodies.push(JSON.parse(await text(request)));
      answerJson(response, 202, { count: 4, idle: 0 });
    });
    expect([run.exitCode, run.asked, run.atConsole]).toEqual([0, [], ['POST /v1/pipeline/consumers']]);
    expect(bodies).toEqual([{ count: 4 }]);
    expect([run.out, run.err]).toEqual(['4 consumers from now on\n', '']);
  });

  it('warns of consumers that are idle', async () => {
    const run = await withConsole(['scale', '14'], (_, response) => answerJson(response, 202, { count: 14, idle: 2 }));
    expect(run.err).toBe('2 of them have nothing to do: a partition has one consumer.\n');
    const json = await withConsole(['scale', '14', '--json'], (_, response) =>
      answerJson(response, 202, { count: 14, idle: 2 }),
    );
    expect(JSON.parse(json.out)).toEqual({ count: 14, idle: 2 });
  });

  it('says what came of it, having looked before and after', async () => {
    let looks = 0;
    const run = await withConsole(['scale', '4', '--watch'], ({ method }, response) => {
      if (method === 'POST') return answerJson(response, 202, { count: 4, idle: 0 });
      looks += 1;
      const changes = looks < 12 ? [] : [scalingTo(4, looks - 12, looks < 14 ? null : HELPED)];
      return answerJson(response, 200, { changes });
    });
    expect([run.exitCode, run.out]).toEqual([0, 'x3.90, helped (saved/s 1,950 before, 7,600 after)\n']);
    expect(run.atConsole.indexOf('POST /v1/pipeline/consumers')).toBe(10);
  });

  it('waits for what came of this change, where one like it was judged before', async () => {
    let looks = 0;
    const run = await withConsole(['scale', '4', '--watch'], ({ method }, response) => {
      if (method === 'POST') return answerJson(response, 202, { count: 4, idle: 0 });
      looks += 1;
      const before = scalingTo(4, 40 + looks, { ...HELPED, text: 'x1.20, helped' });
      const back = scalingTo(1, 20 + looks, { ...HELPED, text: 'x0.83, slower' });
      const now = looks < 13 ? [] : [scalingTo(4, looks - 12, looks < 24 ? null : HELPED)];
      return answerJson(response, 200, { consumers: [{ inFlight: 7 }], changes: [before, back, ...now] });
    });
    expect([run.exitCode, run.out]).toEqual([0, 'x3.90, helped (saved/s 1,950 before, 7,600 after)\n']);
    expect(looks).toBe(24);
  });

  it('says that so many ran already, instead of waiting for a change', async () => {
    const run = await withConsole(['scale', '2', '--watch'], withTwoAlready);
    expect([run.exitCode, run.out]).toEqual([0, '2 ran already: nothing has changed\n']);
    expect(run.atConsole.at(-1)).toBe('POST /v1/pipeline/consumers');
    expect((await withConsole(['scale', '2', '--watch', '--json'], withTwoAlready)).out).toBe('null\n');
  });

  it('tells why the console does not', async () => {
    const problem = { code: 'not-scaled-here', detail: 'The consumers are not managed by `npm start`.', status: 409 };
    const run = await withConsole(['scale', '2'], (_, response) => answerJson(response, 409, problem));
    expect(run.exitCode).not.toBe(0);
    expect(run.err).toContain('The consumers are not managed by `npm start`.');
  });

  it.each(['-1', '1.5', 'many', ''])('refuses %j before anybody is asked', async (count) => {
    const run = await withConsole(['scale', '--', count], () => undefined);
    expect([run.exitCode, run.atConsole]).toEqual([2, []]);
  });
});
