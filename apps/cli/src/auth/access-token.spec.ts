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

  it.each(COMMANDS)('does not follow a redirect of the producer: %s', async (...command) => {
    elsewhere = await LocalProducer.start((_, response) => void response.end());
    const location = `${elsewhere.url}/v1/operations`;
    for (const status of [302, 307]) {
      const { exitCode, err, requests } = await runOrders(
        command,
        (_, response) => void response.writeHead(status, { location }).end(),
        { env },
      );
      expect([exitCode, requests.length, elsewhere.arrivals.length]).toEqual([1, 1, 0]);
      expect(err).toContain('Check that --url is the address of');
    }
  });

  it.each(COMMANDS)('without the required scope prints that scope: %s', async (...command) => {
    const { exitCode, err, requests } = await runOrders(
      command,
      (_, response) => {
        const challenge = 'Bearer realm="orders", error="insufficient_scope", scope="orders:write"';
        response.setHeader('WWW-Authenticate', challenge);
        answerProblem(response, 403, 'insufficient-scope', { detail: 'The token does not have the scope.' });
      },
      { env },
    );
    expect([exitCode, requests.length]).toEqual([2, 1]);
    expect(err).toBe(
      'The token does not have the scope. (insufficient-scope)\n' +
        'Use a token with the scope orders:write, which its issuer must grant.\n',
    );
  });

  it('that is forbidden for another reason prints the problem details', async () => {
    const { exitCode, err } = await runOrders(
      ['operations'],
      (_, response) => answerProblem(response, 403, 'foreign-origin'),
      { env },
    );
    expect([exitCode, err]).toEqual([1, 'It is foreign-origin. (foreign-origin)\n']);
  });
});
