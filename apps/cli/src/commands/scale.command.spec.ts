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

function scalingTo(consumers: number, second: number, verdict: typeof HELPED | null): object {
  return {
    at: new Date(1_000 * second).toISOString(),
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
  return answerJson(response, 200, { consumers, changes: [scalingTo(2, 1, HELPED)], scaling: null });
};

/** Answers one poll after the other with these responses; the last one repeats. */
function polled(responses: readonly object[]): Answerer {
  let polls = 0;
  return ({ method }, response) => {
    if (method === 'POST') return answerJson(response, 202, { count: 4, idle: 0 });
    polls += 1;
    return answerJson(response, 200, { changes: [], ...responses[Math.min(polls, responses.length) - 1] });
  };
}

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

  it('prints the effect that the console has measured', async () => {
    const pending = { changes: [scalingTo(4, 9, null)], scaling: { count: 4 } };
    const run = await withConsole(
      ['scale', '4', '--watch'],
      polled([{ consumers: [{ inFlight: 7 }] }, {}, pending, { changes: [scalingTo(4, 9, HELPED)] }]),
    );
    expect([run.exitCode, run.out]).toEqual([0, 'x3.90, helped (saved/s 1,950 before, 7,600 after)\n']);
    expect(run.atConsole.map((request) => request.split(' ')[0])).toEqual(['GET', 'POST', 'GET', 'GET', 'GET']);
  });

  it('waits for the verdict on this change, not on an earlier one to the same number', async () => {
    const earlier = [scalingTo(4, 1, { ...HELPED, text: 'x1.20' }), scalingTo(1, 2, { ...HELPED, text: 'x0.83' })];
    const run = await withConsole(
      ['scale', '4', '--watch'],
      polled([
        { consumers: [{ inFlight: 7 }], changes: earlier },
        { changes: earlier },
        { changes: [...earlier, scalingTo(4, 3, null)] },
        { changes: [...earlier, scalingTo(4, 3, HELPED)] },
      ]),
    );
    expect([run.exitCode, run.out]).toEqual([0, 'x3.90, helped (saved/s 1,950 before, 7,600 after)\n']);
  });

  it.each([
    ['is requested', { changes: [], scaling: { count: 4 } }],
    ['is being measured', { changes: [scalingTo(4, 9, null)], scaling: null }],
  ])('waits for the verdict on a scaling to the same number that %s', async (_, already) => {
    const consumers = Array.from({ length: 4 }, () => ({ inFlight: 7 }));
    const run = await withConsole(
      ['scale', '4', '--watch'],
      polled([{ consumers, ...already }, { changes: [scalingTo(4, 9, HELPED)] }]),
    );
    expect([run.exitCode, run.out]).toEqual([0, 'x3.90, helped (saved/s 1,950 before, 7,600 after)\n']);
  });

  it('reports at once that the number has not changed', async () => {
    const run = await withConsole(['scale', '2', '--watch'], withTwoAlready);
    expect([run.exitCode, run.out, run.err]).toEqual([0, 'Already 2 consumers: nothing changed.\n', '']);
    expect(run.atConsole).toEqual(['GET /v1/pipeline', 'POST /v1/pipeline/consumers']);
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
