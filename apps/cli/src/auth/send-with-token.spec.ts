import { afterEach, describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerProblem, LocalProducer } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';

const env = { ORDERS_TOKEN: 'one' };
const COMMANDS = [
  ['operation', OPERATION.id],
  ['watch', OPERATION.id],
  ['cancel', OPERATION.id],
];

describe('a request with a token', () => {
  let elsewhere: LocalProducer | undefined;

  afterEach(async () => elsewhere?.stop());

  it.each(COMMANDS)('does not take it where the producer sends on to: %s', async (...command) => {
    elsewhere = await LocalProducer.start((_, response) => void response.end());
    const location = `${elsewhere.url}/v1/operations`;
    for (const status of [302, 307]) {
      const { exitCode, err, asked } = await runOrders(
        command,
        (_, response) => void response.writeHead(status, { location }).end(),
        { env },
      );
      expect([exitCode, asked.length, elsewhere.arrivals.length]).toEqual([1, 1, 0]);
      expect(err).toContain('Is it the producer');
    }
  });

  it.each(COMMANDS)('that allows too little tells the scope it takes: %s', async (...command) => {
    const { exitCode, err, asked } = await runOrders(
      command,
      (_, response) => {
        const challenge = 'Bearer realm="orders", error="insufficient_scope", scope="orders:write"';
        response.setHeader('WWW-Authenticate', challenge);
        answerProblem(response, 403, 'insufficient-scope', { detail: 'The token does not have the scope.' });
      },
      { env },
    );
    expect([exitCode, asked.length]).toEqual([2, 1]);
    expect(err).toBe(
      'The token does not have the scope. (insufficient-scope)\n' +
        'It takes a token with the scope orders:write: let its issuer grant it.\n',
    );
  });

  it('that is forbidden for another reason is told as it is', async () => {
    const { exitCode, err } = await runOrders(
      ['operations'],
      (_, response) => answerProblem(response, 403, 'foreign-origin'),
      { env },
    );
    expect([exitCode, err]).toEqual([1, 'It is foreign-origin. (foreign-origin)\n']);
  });
});
