import { describe, expect, it } from '@jest/globals';
import { runOrders } from './testing/command-line-run.js';
import { answerProblem } from './testing/local-producer.js';

describe('the command line', () => {
  it('prints help for itself and for each command', async () => {
    const all = await runOrders(['--help']);
    expect([all.exitCode, all.err]).toEqual([0, '']);
    expect(all.out).toContain('Exit codes:');
    for (const name of ['ORDERS_TOKEN', 'ORDERS_CLIENT_ID', 'ORDERS_CLIENT_SECRET']) expect(all.out).toContain(name);
    const names = [...all.out.matchAll(/^ {2}([a-z][a-z-]*) (?=.*[<[])/gm)].map(([, name = '']) => name);
    const commands =
      'populate create import operations operation watch pause resume cancel rejects reconcile dead-letters dead-letter redrive discard scale help';
    expect(names).toEqual(commands.split(' '));
    for (const name of names.slice(0, -1)) {
      const { exitCode, out } = await runOrders([name, '--help']);
      expect([name, exitCode, out.includes('--url'), out.includes('--json')]).toEqual([name, 0, true, true]);
    }
  });

  it.each([
    [[], /^Usage:/],
    [['populat', '5'], /unknown command 'populat'/],
    [['populate'], /missing required argument 'count'/],
    [['populate', 'many'], /'many' is invalid for argument 'count'\. It must be an integer/],
    [['populate', '5', '--rate', 'fast'], /--rate <n>.*It must be a number such as/],
    [['populate', '5', '--speed', '1'], /unknown option '--speed'/],
    [['operation', '17'], /It must be the id of an operation, a UUID/],
    [['import'], /missing required argument 'path'/],
    [['import', 'nowhere'], /^nowhere does not exist\./],
    [['operations', '--url', 'localhost'], /^"localhost" is not the address of a service/],
  ])('rejects %j with exit code 2 and sends no request', async (args, message) => {
    const { exitCode, out, err, requests } = await runOrders(args);
    expect({ exitCode, out, requests }).toEqual({ exitCode: 2, out: '', requests: [] });
    expect(err).toMatch(message);
  });

  it('prints the invalid field that the producer reports, with exit code 2', async () => {
    const errors = [{ field: 'count', pointer: '/count', detail: 'must be 10000000 or less' }];
    const { exitCode, err } = await runOrders(['populate', '99999999'], (_, response) =>
      answerProblem(response, 400, 'invalid-request', { errors }),
    );
    expect([exitCode, err]).toEqual([2, 'count must be 10000000 or less (invalid-request)\n']);
  });
});
