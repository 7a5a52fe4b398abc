import assert from 'node:assert/strict';
import { z } from 'zod';
import type { DecisionPage } from '../../apps/console/src/autoscaling/autoscaling-response.js';
import { eventually } from '../support/eventually.js';
import type { GatewayClient } from './gateway-client.js';
import type { Operator } from './operator.js';

const AnswerSchema = z.object({ status: z.number(), body: z.record(z.string(), z.unknown()) });
/** Runs in the console's container, as the autoscaler would. */
const ASK = `
const [method, token, replicas] = process.argv.slice(1);
const authorization = token === 'right' ? 'Bearer ' + require('fs').readFileSync('/run/secrets/scaler-token', 'utf8').trim() : token;
fetch('http://swarm-scaler:3006/consumers/replicas', {
  method,
  headers: { ...(authorization !== '' && { authorization }), ...(replicas && { 'content-type': 'application/json' }) },
  ...(replicas && { body: JSON.stringify({ replicas: Number(replicas) }) }),
}).then(async (response) => console.log(JSON.stringify({ status: response.status, body: await response.json() })));
`;

/** The small service that holds the Docker socket. */
export class ScalerChecks {
  constructor(private readonly operator: Operator) {}

  async needsToken(): Promise<void> {
    for (const token of ['', 'Bearer another-token-of-more-than-thirty-two-characters'])
      for (const [method, replicas] of [['GET'], ['PUT', '3']] as const)
        assert.equal((await this.ask(method, token, replicas)).status, 401);
    assert.equal((await this.ask('GET', 'right')).status, 200);
  }

  async keepsBounds(): Promise<void> {
    for (const replicas of ['0', '13']) {
      const { status, body } = await this.ask('PUT', 'right', replicas);
      assert.deepEqual([status, body['code']], [409, 'beyond-bounds']);
    }
    assert.equal((await this.ask('PUT', 'right', '1.5')).status, 400);
  }

  /** Sets the number of consumers, and nothing else of their service. */
  async scales(replicas: number): Promise<void> {
    const before = await this.templateOfConsumer();
    const { status, body } = await this.ask('PUT', 'right', String(replicas));
    assert.deepEqual([status, body['replicas']], [200, replicas]);
    await this.areRunning(replicas);
    assert.equal(await this.templateOfConsumer(), before);
  }

  /**
   * Turns the autoscaler on with a minimum above the running number, which it corrects; `CONSUMERS` does not count then. The next run of a script
   * turns it off again.
   */
  async autoscales(gateway: GatewayClient, least: number): Promise<void> {
    await this.operator.run('up', [], { AUTOSCALE: 'on', CONSUMERS: '1', CONSUMERS_MIN: String(least) });
    await this.areRunning(least);
    const { items } = await gateway.json<DecisionPage>('GET', '/v1/pipeline/autoscaling/decisions');
    assert.ok(
      items.some(({ to, reason }) => to === least && reason === 'limits'),
      JSON.stringify(items),
    );
  }

  private async areRunning(replicas: number): Promise<void> {
    await eventually(`${replicas} consumers run`, async () => {
      const found = (await this.ask('GET', 'right')).body;
      return found['running'] === replicas || found;
    });
  }

  private async templateOfConsumer(): Promise<string> {
    return this.operator.docker('service', 'inspect', '--format', '{{json .Spec.TaskTemplate}}', 'orders_consumer');
  }

  private async ask(method: 'GET' | 'PUT', token: string, replicas?: string): Promise<z.infer<typeof AnswerSchema>> {
    const args = ['-e', ASK, method, token, ...(replicas === undefined ? [] : [replicas])];
    return AnswerSchema.parse(JSON.parse(await this.operator.inside('console', 'node', ...args)));
  }
}
