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
    const change = { kind: 'scaling', from: { consumers: 1 }, to: { consumers: 4 }, before: 1_950, after: 7_600 };
    const verdict = { outcome: 'faster', factor: 3.9, bound: null, text: 'x3.90, helped' };
    let looks = 0;
    const run = await withConsole(['scale', '4', '--watch'], ({ method }, response) => {
      if (method === 'POST') return answerJson(response, 202, { count: 4, idle: 0 });
      looks += 1;
      const changes = looks < 12 ? [] : [{ ...change, verdict: looks < 14 ? null : verdict }];
      return answerJson(response, 200, { changes });
    });
    expect([run.exitCode, run.out]).toEqual([0, 'x3.90, helped (saved/s 1,950 before, 7,600 after)\n']);
    expect(run.atConsole.indexOf('POST /v1/pipeline/consumers')).toBe(10);
  });

  it('tells why the console does not', async () => {
    const problem = { code: 'not-scaled-here', detail: 'The consumers are not run by `npm start`.', status: 409 };
    const run = await withConsole(['scale', '2'], (_, response) => answerJson(response, 409, problem));
    expect(run.exitCode).not.toBe(0);
    expect(run.err).toContain('The consumers are not run by `npm start`.');
  });

  it.each(['-1', '1.5', 'many', ''])('refuses %j before anybody is asked', async (count) => {
    const run = await withConsole(['scale', '--', count], () => undefined);
    expect([run.exitCode, run.atConsole]).toEqual([2, []]);
  });
});
