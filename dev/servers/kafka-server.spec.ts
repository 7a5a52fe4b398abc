import { beforeAll, describe, expect, it } from '@jest/globals';
import { kafkaProperties, singleNode } from './kafka-properties.js';
import { randomClusterId } from './kafka-server.js';
import { PrivateAuthority } from './private-authority.js';

const PORTS = { controllers: new Map([[1, 40_001]]), operator: 40_009 };

describe('the settings of the embedded Kafka', () => {
  const node = singleNode(9092, '/data');
  const lines = kafkaProperties(node, PORTS, '/data/kafka/records').split('\n');

  it('listen on loopback only', () => {
    expect(lines).toContain('listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:40001');
  });

  it('retain the offsets of an idle group longer than the 30 days that records are retained', () => {
    const minutes = lines.find((line) => line.startsWith('offsets.retention.minutes='))?.split('=')[1];
    expect(Number(minutes)).toBeGreaterThan(30 * 24 * 60);
  });

  it('disable the automatic creation of topics', () => {
    expect(lines).toContain('auto.create.topics.enable=false');
  });
});

describe('the settings of a node of three', () => {
  const controllers = new Map([
    [1, 40_001],
    [2, 40_002],
    [3, 40_003],
  ]);
  const node = { ...singleNode(9093, '/data'), id: 2, settings: { 'min.insync.replicas': 2 } };
  const lines = kafkaProperties(node, { controllers, operator: 0 }, '/data/kafka-2/records').split('\n');

  it('have all controllers as voters, and listen on its own ports', () => {
    expect(lines).toContain('controller.quorum.voters=1@127.0.0.1:40001,2@127.0.0.1:40002,3@127.0.0.1:40003');
    expect(lines).toContain('node.id=2');
    expect(lines).toContain('listeners=PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:40002');
  });

  it('contain the settings of the cluster beside the common ones', () => {
    expect(lines).toContain('min.insync.replicas=2');
  });
});

describe('the settings of a node whose peers use another port', () => {
  const node = { ...singleNode(9093, '/data'), peers: { listens: 5_001, found: 6_001 } };
  const lines = kafkaProperties(node, PORTS, '/data/kafka/records').split('\n');

  it('have a listener for the peers, and advertise their port', () => {
    expect(lines).toContain('listeners=PLAINTEXT://127.0.0.1:9093,CONTROLLER://127.0.0.1:40001,PEERS://127.0.0.1:5001');
    expect(lines).toContain('advertised.listeners=PLAINTEXT://127.0.0.1:9093,PEERS://127.0.0.1:6001');
    expect(lines).toContain('inter.broker.listener.name=PEERS');
  });
});

describe('the settings of a secured node', () => {
  let lines: string[];

  beforeAll(async () => {
    const authority = await PrivateAuthority.create();
    const operator = await authority.issue('orders-kafka', ['127.0.0.1']);
    const security = { authority, operator, clients: [{ name: 'ann', password: 'canary-password' }] };
    const node = { ...singleNode(9093, '/data'), security };
    lines = kafkaProperties(node, PORTS, '/data/kafka/records').split('\n');
  });

  it('have no listener without TLS, nor without a user or a client certificate', () => {
    expect(lines).toContain(
      'listeners=SASL_SSL://127.0.0.1:9093,CONTROLLER://127.0.0.1:40001,OPERATORS://127.0.0.1:40009',
    );
    const map = lines.find((line) => line.startsWith('listener.security.protocol.map='));
    expect(map).toContain('SASL_SSL:SASL_SSL,CONTROLLER:SSL,OPERATORS:SSL');
    expect(lines).toContain('listener.name.controller.ssl.client.auth=required');
    expect(lines).toContain('listener.name.operators.ssl.client.auth=required');
    expect(lines.join('\n')).not.toMatch(/listeners=.*PLAINTEXT|canary/);
  });

  it('deny users without an ACL, save those with a certificate of the nodes', () => {
    expect(lines).toContain('authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer');
    expect(lines).toContain('super.users=User:CN=orders-kafka');
    expect(lines.join('\n')).not.toContain('allow.everyone.if.no.acl.found');
  });
});

describe('a cluster id', () => {
  it('is 16 bytes in base64url, in the format of Kafka', () => {
    expect(randomClusterId()).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  });

  it('never begins with a dash, like a flag', () => {
    const draws = [Buffer.alloc(16, 0xfb), Buffer.alloc(16, 1)];
    expect(draws[0]?.toString('base64url')).toMatch(/^-/);
    expect(randomClusterId(() => draws.shift() ?? Buffer.alloc(16))).toBe('AQEBAQEBAQEBAQEBAQEBAQ');
  });
});
