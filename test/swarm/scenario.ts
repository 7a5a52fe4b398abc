import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiClient } from '../compose/api-client.js';
import type { Check } from '../compose/checked-run.js';
import { TRACED } from '../compose/private-engine.js';
import { DeployedSwarm } from './deployed-swarm.js';
import type { Operator } from './operator.js';
import { BEFORE_INIT, IN_EMPTY_SWARM, isRefused, PORTS } from './refusals.js';
import type { SwarmOptions } from './swarm-images.js';

const STACK = ['--filter', 'label=com.docker.stack.namespace=orders'];

/** The steps of an operator of deploy/swarm, from an empty swarm to an empty swarm. Each step is a check. */
export class Scenario {
  constructor(
    private readonly operator: Operator,
    private readonly options: SwarmOptions,
    private readonly check: Check,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<void> {
    const { check, operator } = this;
    for (const refusal of BEFORE_INIT) await check(`up refuses: ${refusal.what}`, () => isRefused(operator, refusal));
    await check('docker swarm init', () => operator.docker('swarm', 'init', '--advertise-addr', '127.0.0.1'));
    for (const refusal of IN_EMPTY_SWARM)
      await check(`up refuses: ${refusal.what}`, async () => {
        await isRefused(operator, refusal);
        await operator.hasNo('service', 'ls');
        await operator.hasNo('secret', 'ls');
        await operator.hasNo('network', 'ls', '--filter', 'name=orders_');
      });
    await this.deploy();
    const authority = await readFile(join(operator.state, 'secrets', 'authority.pem'), 'utf8');
    const [url, issuer] = [PORTS.gateway, PORTS.issuer].map((port) => `https://localhost:${port}`) as [string, string];
    const gateway = new ApiClient(url, issuer, this.signal, authority);
    await check('the issuer grants a token through the gateway', () => gateway.signIn());
    const deployed = new DeployedSwarm(operator, check, gateway, this.options);
    await deployed.isProtected();
    const failures = await deployed.operate();
    await check('down: every task ends, and nothing is left but the volumes', async () => {
      await this.print('down');
      for (const what of ['service', 'secret', 'config']) await operator.hasNo(what, 'ls');
      await operator.hasNo('network', 'ls', ...STACK);
      await operator.hasNo('ps', '--all');
    });
    await check('down --volumes: nothing is left', async () => {
      await this.print('down', '--volumes');
      await operator.hasNo('volume', 'ls', ...STACK);
    });
    assert.deepEqual(failures, []);
  }

  private async deploy(): Promise<void> {
    const { check, operator } = this;
    const collector = {
      image: 'node:24-slim',
      command: ['node', '/collector.mjs'],
      networks: ['data'],
      deploy: { endpoint_mode: 'dnsrr' },
    };
    const file = await operator.file('collector.yml', JSON.stringify({ services: { collector } }));
    operator.keep(['--file', file], TRACED);
    await check('up: everything is healthy', async () => {
      await this.print('up', '--nodes', 'self');
      assert.match(await operator.run('status'), /^query-api +2\/2/m);
    });
    await check('up again: nothing changes', async () => {
      const before = await operator.tasks();
      await this.print('up');
      assert.deepEqual(await operator.tasks(), before);
    });
  }

  private async print(script: string, ...args: string[]): Promise<void> {
    console.log(await this.operator.run(script, args));
  }
}
