import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { useTemporaryFolder } from '#orders/testing/temporary-folder.js';
import { kafkaProperties, singleNode, randomClusterId } from './kafka.js';
import { cacheGib, replicaSetStep } from './mongodb.js';
import { PrivateAuthority } from './private-authority.js';
import { parseRecords, ProcessRecords, makeRunFolder } from './data-directory.js';

function at(hosts: readonly string[]) {
  return hosts.map((host, _id) => ({ _id, host }));
}

const CONTROLLERS = new Map([1, 2, 3].map((id) => [id, 40_000 + id]));

/** Returns the lines of Kafka's settings. @param change of a single node at port 9093 */
function linesOf(change: Partial<ReturnType<typeof singleNode>> = {}, controllers = new Map([[1, 40_001]])): string[] {
  const node = { ...singleNode(9093, '/data'), ...change };
  return kafkaProperties(node, { controllers, operator: 40_009 }, '/data/kafka/records').split('\n');
}

describe('the settings of the embedded Kafka', () => {
  it('listen on loopback only, and create no topics', () => {
    expect(linesOf()).toEqual(
      expect.arrayContaining([
        'listeners=PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:40001',
        'auto.create.topics.enable=false',
      ]),
    );
  });

  it('retain the offsets of an idle group longer than the 30 days that records are retained', () => {
    const minutes = linesOf()
      .find((line) => line.startsWith('offsets.retention.minutes='))
      ?.split('=')[1];
    expect(Number(minutes)).toBeGreaterThan(30 * 24 * 60);
  });

  it.each([
    [
      'a node of three: all voters, its own ports and the settings of the cluster',
      { id: 2, settings: { 'min.insync.replicas': 2 } },
      [
        'controller.quorum.voters=1@127.0.0.1:40001,2@127.0.0.1:40002,3@127.0.0.1:40003',
        'node.id=2',
        'listeners=PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:40002',
        'min.insync.replicas=2',
      ],
    ],
    [
      'a node whose peers use another port: a listener for them, and their port',
      { peers: { listens: 5_001, found: 6_001 } },
      [
        'listeners=PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:40001,PEERS://127.0.0.1:5001',
        'advertised.listeners=PLAINTEXT://127.0.0.1:9093,PEERS://127.0.0.1:6001',
        'inter.broker.listener.name=PEERS',
      ],
    ],
  ])('are those of %s', (_, change, expected) => {
    expect(linesOf(change, CONTROLLERS)).toEqual(expect.arrayContaining(expected));
  });

  describe('that is secured', () => {
    let lines: string[];

    beforeAll(async () => {
      const authority = await PrivateAuthority.create();
      const operator = await authority.issue('orders-kafka', ['127.0.0.1']);
      lines = linesOf({ security: { authority, operator, clients: [{ name: 'ann', password: 'canary-password' }] } });
    });

    it('have no listener without TLS, nor without a user or a client certificate', () => {
      expect(lines).toEqual(
        expect.arrayContaining([
          'listeners=SASL_SSL://127.0.0.1:9093,CONTROLLER://127.0.0.1:40001,OPERATORS://127.0.0.1:40009',
          expect.stringMatching(/^listener\.security\.protocol\.map=.*SASL_SSL:SASL_SSL,CONTROLLER:SSL,OPERATORS:SSL/),
          'listener.name.controller.ssl.client.auth=required',
          'listener.name.operators.ssl.client.auth=required',
        ]),
      );
      expect(lines.join('\n')).not.toMatch(/listeners=.*PLAINTEXT|canary/);
    });

    it('deny users without an ACL, save those with a certificate of the nodes', () => {
      expect(lines).toContain('authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer');
      expect(lines).toContain('super.users=User:CN=orders-kafka');
      expect(lines.join('\n')).not.toContain('allow.everyone.if.no.acl.found');
    });
  });

  it('have a cluster id of 16 bytes in base64url, which never begins with a dash, like a flag', () => {
    expect(randomClusterId()).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
    const draws = [Buffer.alloc(16, 0xfb), Buffer.alloc(16, 1)];
    expect(draws[0]?.toString('base64url')).toMatch(/^-/);
    expect(randomClusterId(() => draws.shift() ?? Buffer.alloc(16))).toBe('AQEBAQEBAQEBAQEBAQEBAQ');
  });
});

describe('the cache of the embedded MongoDB', () => {
  it.each([
    [0.5, 0.25],
    [7.7, 1.75],
    [8, 2],
    [16, 4],
    [64, 4],
  ])('for %d GiB of memory is %d GiB', (memory, cache) => {
    expect(cacheGib(memory * 2 ** 30)).toBe(cache);
  });
});

describe('a replica set', () => {
  const one = ['127.0.0.1:27017'];
  const three = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3'];
  const before = { _id: 'orders', version: 3, members: [{ _id: 0, host: '127.0.0.1:37017', votes: 1 }] };
  const after = { _id: 'orders', version: 4, members: [{ _id: 0, host: '127.0.0.1:27017', votes: 1 }] };
  const ofThree = { version: 7, members: [{ host: 'a' }, { host: 'b' }, { host: 'c' }] };

  it.each([
    ['is initiated on a fresh mongod', one, undefined, 0, { replSetInitiate: { _id: 'orders', members: at(one) } }],
    ['stays unchanged when its member has the same address', one, { version: 3, members: at(one) }, 0, 'wait'],
    ['gets the new port, and keeps the rest', one, before, 0, { replSetReconfig: after, force: true }],
    [
      'of three is initiated by its first',
      three,
      undefined,
      0,
      { replSetInitiate: { _id: 'orders', members: at(three) } },
    ],
    ['of three is initiated by no other member', three, undefined, 1, 'wait'],
    [
      'of three gets the new port of each member',
      three,
      ofThree,
      0,
      { replSetReconfig: { version: 8, members: three.map((host) => ({ host })) }, force: true },
    ],
    ['of three gets it from no other member', three, ofThree, 2, 'wait'],
  ])('%s', (_, hosts, config, member, step) => {
    const wanted = typeof step === 'string' ? step : { command: step };
    expect(replicaSetStep(config, member, { name: 'orders', hosts })).toEqual(wanted);
  });
});

describe('the records of processes', () => {
  const kafka = { kind: 'server', name: 'Kafka', pid: 9, identity: 'boot/1' };

  it.each([
    ['are read back', [kafka], [kafka]],
    ['skip invalid entries', [{ ...kafka, pid: '9' }, { pid: 9 }, null, { ...kafka, kind: 'other' }], []],
    ['are none in another form', {}, []],
  ])('%s, so that no unrelated process is ended', (_, stored, records) => {
    expect(parseRecords(JSON.stringify(stored))).toEqual(records);
  });
});

describe('the folder of a run', () => {
  const parent = useTemporaryFolder();

  it('replaces the folders of killed runs and ends what they left, and no others', async () => {
    const folders = ['orders-compare-11-abc', 'orders-compare-22-abc', 'orders-test-11-abc'].map((name) =>
      parent(name),
    );
    for (const folder of folders) await mkdir(join(folder, 'data'), { recursive: true });
    const killed: number[] = [];
    const processes = {
      identityOf: (pid: number) => (pid > 20 ? 'it runs' : undefined),
      signal: (pid: number) => void killed.push(pid),
    };
    for (const [nth, folder] of folders.entries())
      new ProcessRecords(folder, processes).add('app', 'consumer', 31 + nth);
    const own = await makeRunFolder('orders-compare', parent(), processes);
    expect([...folders, own].map((folder) => existsSync(folder))).toEqual([false, true, true, true]);
    expect(killed).toEqual([31]);
  });
});
