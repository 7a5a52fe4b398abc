import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import type { Operator } from './operator.js';

const LOADED_MS = 15_000;
const MEMBERS = ['mongodb-1', 'mongodb-2', 'mongodb-3'];

/** What happens to the servers, and what they refuse. */
export class ServerFaults {
  constructor(private readonly operator: Operator) {}

  /** Kills a broker under load. Resolves when Swarm has started it again. */
  async killBroker(): Promise<void> {
    const killed = await this.kill('kafka-2');
    await delay(LOADED_MS);
    await this.isBack('kafka-2', killed);
  }

  /** Kills the primary under load. Resolves when there is another one, and the killed member is back. */
  async killPrimary(): Promise<void> {
    const before = await this.primary();
    assert.ok(before, 'MongoDB has a primary');
    const killed = await this.kill(before);
    await eventually('another member is primary', async () => {
      const now = await this.primary(MEMBERS.find((name) => name !== before));
      return (now !== undefined && now !== before) || { now };
    });
    await this.isBack(before, killed);
    await delay(LOADED_MS);
  }

  async serversAreSecured(): Promise<void> {
    const plain = await this.mongosh('mongodb-1', 'db.hello().ok', false).catch((error: unknown) => String(error));
    assert.doesNotMatch(plain, /^1$/);
    const read =
      "try { db.getSiblingDB('orders').orders.findOne(); print('read') } catch (error) { print(error.codeName) }";
    assert.equal(await this.mongosh('mongodb-1', read), 'Unauthorized');
    // A TLS connection without a certificate at the port of the operators.
    const refused = await this.operator.inside(
      'console',
      'node',
      '-e',
      "const s = require('tls').connect({ host: 'kafka-1', port: 9093, ca: require('fs').readFileSync('/run/authority.pem') }); s.on('error', (e) => { console.log(e.code); }); s.on('close', () => process.exit(0)); s.on('secureConnect', () => s.write(Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255]))); s.on('data', () => console.log('answered')); setTimeout(() => { console.log('silent'); process.exit(0); }, 5000);",
    );
    assert.match(refused, /CERTIFICATE_REQUIRED|ECONNRESET|^$/);
  }

  /** Whether MongoDB knows the one user and no longer the other one. Asked as the operator of the set. */
  async userIsGone(before: string, now: string): Promise<void> {
    const primary = await this.primary();
    assert.ok(primary);
    const script = `
      const key = require('fs').readFileSync('/run/secrets/mongodb-key', 'utf8').trim();
      db.getSiblingDB('local').auth({ user: '__system', pwd: key, mechanism: 'SCRAM-SHA-256' });
      print(db.getSiblingDB('admin').getUsers().users.map(({ user }) => user).join(' '));`;
    const users = (await this.mongosh(primary, script)).split(/\s+/);
    assert.deepEqual([users.includes(before), users.includes(now)], [false, true]);
  }

  /** @returns the id of the killed container */
  private async kill(service: string): Promise<string> {
    const [container] = await this.operator.containers(service);
    assert.ok(container, `${service} runs`);
    await this.operator.docker('kill', '--signal', 'KILL', container);
    return container;
  }

  private async isBack(service: string, killed: string): Promise<void> {
    await eventually(`Swarm has started ${service} again`, async () => {
      const [container] = await this.operator.containers(service);
      if (container === undefined || container === killed) return false;
      const health = await this.operator.docker('inspect', '--format', '{{.State.Health.Status}}', container);
      return health === 'healthy' || { health };
    });
  }

  /** Returns the service of the primary, as a member sees it. */
  private async primary(member = MEMBERS[0] ?? ''): Promise<string | undefined> {
    const host = await this.mongosh(member, 'print(db.hello().primary)').catch(() => '');
    return /^(?<name>mongodb-\d):27017$/.exec(host.trim())?.groups?.['name'];
  }

  private async mongosh(member: string, script: string, tls = true): Promise<string> {
    const uri = `mongodb://${member}/?directConnection=true&serverSelectionTimeoutMS=3000`;
    const secure = tls ? ['--tls', '--tlsCAFile', '/run/authority.pem'] : [];
    return this.operator.inside(member, 'mongosh', '--quiet', '--norc', uri, ...secure, '--eval', script);
  }
}
