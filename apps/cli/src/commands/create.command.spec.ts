import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson, answerProblem, bodyOf } from '../testing/local-producer.js';

const ORDERS = '[{"accountId": "acc-1"}, {"accountId": "acc-2"}]';
const ACCEPTED = {
  operationId: '01935c9e-8a00-7000-8000-000000000001',
  items: [
    { id: 'a', number: 7 },
    { id: 'b', number: 8 },
  ],
};

describe('create', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'orders-cli-'));
    await writeFile(join(directory, 'orders.json'), ORDERS);
  });

  afterAll(async () => {
    await rm(directory, { recursive: true });
  });

  it('sends the file with a key, and prints ids and numbers', async () => {
    let body = '';
    const run = await runOrders(
      ['create', 'orders.json', '--key', 'k1'],
      async (request, response) => {
        body = String(await bodyOf(request));
        answerJson(response, 202, ACCEPTED);
      },
      { workingDirectory: directory },
    );
    expect([run.exitCode, run.requests, body]).toEqual([0, ['POST /v1/orders'], ORDERS]);
    expect(run.arrivals[0]?.headers['idempotency-key']).toBe('k1');
    expect(run.out.split('\n').map((line) => line.split(/\s+/))).toContainEqual(['b', '8']);
  });

  it('prints what the producer rejects, and a file that it can not read', async () => {
    const rejected = await runOrders(
      ['create', 'orders.json'],
      (_request, response) => answerProblem(response, 400, 'invalid-request'),
      { workingDirectory: directory },
    );
    expect(rejected.exitCode).not.toBe(0);
    expect(rejected.err).toContain('It is invalid-request.');
    const missing = await runOrders(['create', 'nothing.json'], undefined, { workingDirectory: directory });
    expect([missing.exitCode, missing.requests]).toEqual([2, []]);
  });

  it.each([
    ['a comma that is missing', '[{"accountId": "acc-1"} {}]', /JSON at position 24/],
    ['nothing', '', /end of JSON input/],
  ])('names a file of broken JSON, and sends nothing: %s', async (_, content, place) => {
    await writeFile(join(directory, 'broken.json'), content);
    const broken = await runOrders(['create', 'broken.json'], undefined, { workingDirectory: directory });
    expect([broken.exitCode, broken.requests]).toEqual([2, []]);
    expect(broken.err).toMatch(/^broken\.json is not JSON: /);
    expect(broken.err).toMatch(place);
  });
});
