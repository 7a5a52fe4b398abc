import { describe, expect, it } from '@jest/globals';
import type { StackService } from '../stack-file.js';
import type { SwarmNode } from '../swarm-nodes.js';
import { labelProblems, roomProblems } from './node-checks.js';

const GIB = 2 ** 30;

function node(name: string, change: Partial<SwarmNode> = {}): SwarmNode {
  const reservedByOthers = { cpus: 0, memory: 0 };
  return { id: name, name, labels: {}, isReady: true, cpus: 4, memory: 8 * GIB, reservedByOthers, ...change };
}

function service(memory: string, label?: string, replicas = 1): StackService {
  const constraints = label === undefined ? [] : [`node.labels.${label} == true`];
  return {
    image: 'x',
    deploy: { replicas, placement: { constraints }, resources: { reservations: { cpus: '0.5', memory } } },
  };
}

describe('labelProblems', () => {
  const labels = new Map([['orders.kafka-1', ['kafka-1']]]);

  it('names a label that no node has, and the service that needs it', () => {
    expect(labelProblems({ labels }, [node('a')])).toEqual([
      {
        code: 'missing-label',
        text: expect.stringContaining('no node has the label orders.kafka-1, which kafka-1 needs'),
      },
    ]);
  });

  it('names a volume whose label several nodes have', () => {
    const both = { labels: { 'orders.kafka-1': 'true' } };
    expect(labelProblems({ labels }, [node('a', both), node('b', both)])).toEqual([
      { code: 'label-on-several-nodes', text: expect.stringContaining('a and b have the label orders.kafka-1') },
    ]);
  });

  it('names a labelled node that takes no tasks', () => {
    const down = { labels: { 'orders.kafka-1': 'true' }, isReady: false };
    expect(labelProblems({ labels }, [node('a', down)])).toEqual([
      { code: 'node-not-ready', text: expect.stringContaining('a, the node of kafka-1, is not ready') },
    ]);
  });

  it('finds nothing if one ready node has each label', () => {
    expect(labelProblems({ labels }, [node('a', { labels: { 'orders.kafka-1': 'true' } })])).toEqual([]);
  });
});

describe('roomProblems', () => {
  const labelled = { labels: { 'orders.kafka-1': 'true' } };

  it('names a node that has too little memory left beside other stacks', () => {
    const services = new Map([['kafka-1', service('4G', 'orders.kafka-1')]]);
    const full = node('a', { ...labelled, reservedByOthers: { cpus: 0, memory: 5 * GIB } });
    expect(roomProblems({ services }, [full, node('b')])).toEqual([
      { code: 'no-room', text: expect.stringMatching(/the node a needs 4,096 MiB of memory, and has 3,072 MiB left/) },
    ]);
  });

  it('says if all nodes together have too little', () => {
    const services = new Map([['consumer', service('3G', undefined, 6)]]);
    expect(roomProblems({ services }, [node('a'), node('b')])).toEqual([
      { code: 'no-room', text: expect.stringMatching(/the swarm needs 18,432 MiB of memory, and has 16,384 MiB left/) },
    ]);
  });

  it('counts CPUs too, and no tasks of jobs', () => {
    const job = service('100G');
    const services = new Map([
      ['migrate', { ...job, deploy: { ...job.deploy, mode: 'replicated-job' } }],
      ['consumer', service('1M', undefined, 9)],
    ]);
    expect(roomProblems({ services }, [node('a')])).toEqual([
      { code: 'no-room', text: expect.stringMatching(/the swarm needs 4\.50 CPUs, and has 4\.00 left/) },
    ]);
    expect(roomProblems({ services }, [node('a'), node('b')])).toEqual([]);
  });
});
