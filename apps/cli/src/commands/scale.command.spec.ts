import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { runOrders, type CommandLineRun } from '../testing/command-line-run.js';
import { answerJson, LocalProducer, type Answerer } from '../testing/local-producer.js';

/** Runs a command line against a console that gives the answers. */
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

/** Answers with two live consumers, and one that no longer sends heartbeats. */
const withTwoAlready: Answerer = ({ method }, response) => {
  if (method === 'POST') return answerJson(response, 202, { count: 2, idle: 0 });
  const consumers = [{ inFlight: 7 }, { inFlight: 0 }, { inFlight: null }];
  return answerJson(response, 200, { consumers, changes: [scalingTo(2, 90, HELPED)] });
};

describe('scale', () => {
  it('requests the number of consumers from the console, not from the producer', async () => {
    const bodies: unknown[] = [];
    const run = await withConsole(['scale', '4'], async (request, response) => {
      bodies.push(JSON.parse(await text(request)));
      answerJson(response, 202, { count: 4, idle: 0 });
    });
    expect([run.exitCode, run.requests, run.atConsole]).toEqual([0, [], ['POST /v1/pipeline/consumers']]);
    expect(bodies).toEqual([{ count: 4 }]);
    expect([run.out, run.err]).toEqual(['Scaling to 4 consumers.\n', '']);
  });

  it('warns about idle consumers', async () => {
    const run = await withConsole(['scale', '14'], (_, response) => answerJson(response, 202, { count: 14, idle: 2 }));
    expect(run.err).toBe('2 of them are idle: a partition is assigned to only one consumer.\n');
    const json = await withConsole(['scale', '14', '--json'], (_, response) =>
      answerJson(response, 202, { count: 14, idle: 2 }),
    );
    expect(JSON.parse(json.out)).toEqual({ count: 14, idle: 2 });
  });

  it('prints the effect, measured before and after the change', async () => {
    let polls = 0;
    const run = await withConsole(['scale', '4', '--watch'], ({ method }, response) => {
      if (method === 'POST') return answerJson(response, 202, { count: 4, idle: 0 });
      polls += 1;
      const changes = polls < 12 ? [] : [scalingTo(4, polls - 12, polls < 14 ? null : HELPED)];
      return answerJson(response, 200, { changes });
    });
    expect([run.exitCode, run.out]).toEqual([0, 'x3.90, helped (saved/s 1,950 before, 7,600 after)\n']);
    expect(run.atConsole.indexOf('POST /v1/pipeline/consumers')).toBe(10);
  });

  it('waits for the verdict on this change, not on an earlier one to the same number', async () => {
    let polls = 0;
    const run = await withConsole(['scale', '4', '--watch'], ({ method }, response) => {
      if (method === 'POST') return answerJson(response, 202, { count: 4, idle: 0 });
      polls += 1;
      const before = scalingTo(4, 40 + polls, { ...HELPED, text: 'x1.20, helped' });
      const back = scalingTo(1, 20 + polls, { ...HELPED, text: 'x0.83, slower' });
      const now = polls < 13 ? [] : [scalingTo(4, polls - 12, polls < 24 ? null : HELPED)];
      return answerJson(response, 200, { consumers: [{ inFlight: 7 }], changes: [before, back, ...now] });
    });
    expect([run.exitCode, run.out]).toEqual([0, 'x3.90, helped (saved/s 1,950 before, 7,600 after)\n']);
    expect(polls).toBe(24);
  });

  it('reports that the number has not changed, instead of waiting for a change', async () => {
    const run = await withConsole(['scale', '2', '--watch'], withTwoAlready);
    expect([run.exitCode, run.out]).toEqual([0, 'Already 2 consumers: nothing changed.\n']);
    expect(run.atConsole.at(-1)).toBe('POST /v1/pipeline/consumers');
    expect((await withConsole(['scale', '2', '--watch', '--json'], withTwoAlready)).out).toBe('null\n');
  });

  it('reports why the console rejects the request', async () => {
    const problem = { code: 'not-scaled-here', detail: 'The consumers are not managed by `npm start`.', status: 409 };
    const run = await withConsole(['scale', '2'], (_, response) => answerJson(response, 409, problem));
    expect(run.exitCode).not.toBe(0);
    expect(run.err).toContain('The consumers are not managed by `npm start`.');
  });

  it.each(['-1', '1.5', 'many', ''])('rejects %j and sends no request', async (count) => {
    const run = await withConsole(['scale', '--', count], () => undefined);
    expect([run.exitCode, run.atConsole]).toEqual([2, []]);
  });
});
