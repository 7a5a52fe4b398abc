import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.js';
import type { Operator } from './operator.js';

export const ROLLED_BACK_WITHIN_S = 90;
const NOT_ROLLED = new Set(['gateway', 'grafana', 'facade', 'prepare', 'servers-ready', 'migrate']);

/** Updates of services while clients use them. */
export class RollingUpdate {
  /** @param services which; none: all but the gateway, with a new image */
  constructor(
    private readonly operator: Operator,
    private readonly services: readonly string[],
    private readonly print: (line: string) => void,
  ) {}

  get title(): string {
    return this.services.length === 0 ? 'every service but the gateway' : this.services.join(', ');
  }

  /** Replaces each task. */
  async rollAll(): Promise<void> {
    const before = await this.operator.tasks();
    const isWanted = (name: string) => this.services.length === 0 || this.services.includes(name);
    const rolled = [...before.keys()].filter((name) => !NOT_ROLLED.has(name) && isWanted(name));
    assert.ok(rolled.length >= this.services.length, `there are ${rolled.join(', ')} only`);
    const services = Object.fromEntries(rolled.map((name) => [name, { environment: { ROLLED: 'once' } }]));
    const file = await this.operator.file('rolled.yml', JSON.stringify({ services }));
    this.operator.keep(['--file', file], this.services.length === 0 ? await this.newImage() : {});
    this.print(await this.operator.run('up'));
    const after = await this.operator.tasks();
    const kept = rolled.filter((name) => before.get(name)?.some((task) => after.get(name)?.includes(task)));
    assert.deepEqual(kept, [], 'services with a task of before');
  }

  /** Gives the query APIs an image that does not start, which Swarm takes back. */
  async rollBack(): Promise<void> {
    const before = await this.imageOfQueryApi();
    const startedAt = performance.now();
    const image = ['--image', 'orders-pipeline:broken', 'orders_query-api'];
    await this.operator.docker('service', 'update', '--detach', ...image);
    await eventually('Swarm has rolled the image back', async () => {
      const state = await this.operator.updateOf('query-api');
      return state === 'rollback_completed' || { state };
    });
    this.print(`rolled back after ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
    assert.equal(await this.imageOfQueryApi(), before);
  }

  private async newImage(): Promise<Record<string, string>> {
    await this.operator.docker('tag', 'orders-pipeline:tested', 'orders-pipeline:next');
    await this.operator.docker('tag', 'orders-pipeline:tested-dev-issuer', 'orders-pipeline:next-dev-issuer');
    return { ORDERS_IMAGE: 'orders-pipeline:next' };
  }

  private async imageOfQueryApi(): Promise<string> {
    const format = '{{.Spec.TaskTemplate.ContainerSpec.Image}}';
    return this.operator.docker('service', 'inspect', '--format', format, 'orders_query-api');
  }
}
