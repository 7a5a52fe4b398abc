import { describe, expect, it } from '@jest/globals';
import { interpolate, type StackService } from './stack-file.js';
import { keptConsumers, labelsOf, replacementSteps } from './up.js';
import { progressOf } from './services.js';
import { type SwarmNode, engineProblems, labelProblems, roomProblems } from './checks.js';

const GIB = 2 ** 30;
const SWARM = { LocalNodeState: 'active', ControlAvailable: true, NodeID: 'n' };
const ENGINE = { api: '1.41', ServerVersion: '20.10.24', Swarm: SWARM, Plugins: { Network: ['bridge', 'overlay'] } };
const LABELLED = { labels: { 'orders.kafka-1': 'true' } };

function node(name: string, change: Partial<SwarmNode> = {}): SwarmNode {
  const reservedByOthers = { cpus: 0, memory: 0 };
  return { id: name, name, labels: {}, isReady: true, cpus: 4, memory: 8 * GIB, reservedByOthers, ...change };
}

function service(memory: string, label?: string, replicas = 1, mode = 'replicated'): StackService {
  const constraints = label === undefined ? [] : [`node.labels.${label} == true`];
  const resources = { reservations: { cpus: '0.5', memory } };
  return { image: 'x', deploy: { mode, replicas, placement: { constraints }, resources } };
}

function linesOf(problems: readonly { code: string; text: string }[]): string[] {
  return problems.map(({ code, text }) => `${code}: ${text}`);
}

function matching(patterns: readonly RegExp[]): unknown[] {
  return patterns.map((pattern): unknown => expect.stringMatching(pattern));
}

describe('the checks before a deployment', () => {
  it.each<[string, Partial<typeof ENGINE>, RegExp[]]>([
    ['a manager of Docker 20.10', {}, []],
    ['a later version', { api: '2.0' }, []],
    [
      'an old one',
      { api: '1.40', ServerVersion: '19.03.5' },
      [/^engine-too-old: .*19\.03\.5 has the API 1\.40, and jobs need 1\.41/],
    ],
    [
      'a missing driver',
      { Plugins: { Network: ['bridge'] } },
      [/^no-overlay-networks: .*no driver for overlay networks/],
    ],
    ['no swarm', { Swarm: { ...SWARM, LocalNodeState: 'inactive' } }, [/^no-swarm: [^]*docker swarm init/]],
    ['a worker', { Swarm: { ...SWARM, ControlAvailable: false } }, [/^not-a-manager: .*this node is a worker/]],
  ])('judge the engine: %s', (_, change, patterns) => {
    expect(linesOf(engineProblems({ ...ENGINE, ...change }))).toEqual(matching(patterns));
  });

  it.each<[string, SwarmNode[], RegExp[]]>([
    ['one ready node has it', [node('a', LABELLED)], []],
    ['none has it', [node('a')], [/^missing-label: .*no node has the label orders\.kafka-1, which kafka-1 needs/]],
    [
      'several have it',
      [node('a', LABELLED), node('b', LABELLED)],
      [/^label-on-several-nodes: .*a and b have the label orders\.kafka-1/],
    ],
    [
      'its node takes no tasks',
      [node('a', { ...LABELLED, isReady: false })],
      [/^node-not-ready: .*a, the node of kafka-1, is not ready/],
    ],
  ])('judge a label: %s', (_, nodes, patterns) => {
    expect(linesOf(labelProblems({ labels: new Map([['orders.kafka-1', ['kafka-1']]]) }, nodes))).toEqual(
      matching(patterns),
    );
  });

  const busy = node('a', { ...LABELLED, reservedByOthers: { cpus: 0, memory: 5 * GIB } });
  const withJob = {
    migrate: service('100G', undefined, 1, 'replicated-job'),
    consumer: service('1M', undefined, 9),
  };

  it.each<[string, Record<string, StackService>, SwarmNode[], RegExp[]]>([
    [
      'too little memory on a node beside other stacks',
      { 'kafka-1': service('4G', 'orders.kafka-1') },
      [busy, node('b')],
      [/^no-room: .*the node a needs 4,096 MiB of memory, and has 3,072 MiB left/],
    ],
    [
      'too little memory of all nodes together',
      { consumer: service('3G', undefined, 6) },
      [node('a'), node('b')],
      [/^no-room: .*the swarm needs 18,432 MiB of memory, and has 16,384 MiB left/],
    ],
    [
      'too few CPUs, without jobs',
      withJob,
      [node('a')],
      [/^no-room: .*the swarm needs 4\.50 CPUs, and has 4\.00 left/],
    ],
    ['enough', withJob, [node('a'), node('b')], []],
  ])('judge the room: %s', (_, services, nodes, patterns) => {
    expect(linesOf(roomProblems({ services: new Map(Object.entries(services)) }, nodes))).toEqual(matching(patterns));
  });
});

describe('the labels of nodes', () => {
  it('are all for one node, and for three one broker and one member each, and two gateways', () => {
    expect(labelsOf(['a']).map(([name, each]) => [name, each.length])).toEqual([['a', 9]]);
    const labels = labelsOf(['a', 'b', 'c']).map(([, each]) => each);
    for (const [at, each] of labels.entries())
      expect(each).toEqual(expect.arrayContaining([`orders.kafka-${at + 1}`, `orders.mongodb-${at + 1}`]));
    expect(labels.flat().filter((label) => label === 'orders.gateway')).toHaveLength(2);
    expect(new Set(labels.flat()).size).toBe(9);
  });

  it.each([[['a', 'b']], [['a', 'b', 'b']], [[]]])('are refused for %j', (nodes) => {
    expect(() => labelsOf(nodes)).toThrow(/^bad-argument: --nodes takes one node or three different ones/);
  });
});

it.each([
  ['before producers', false, ['consumer', 'producer']],
  ['after producers when an earlier version comes back', true, ['producer', 'consumer']],
])('consumers are replaced %s', (_, isBack, order) => {
  const steps = replacementSteps(isBack).map((step) => step.find((name) => order.includes(name)));
  expect(steps.filter((name) => name !== undefined)).toEqual(order);
});

describe('what Docker is given', () => {
  it.each([
    ['values, and defaults for absent and empty ones', '${A} ${B:-two} ${C:-three} $$x', '1 two three $x', []],
    ['names of variables without a value or a default, each once', '${D}${D}${E:-}', '', ['D']],
  ])('has %s', (_, source, text, missing) => {
    expect(interpolate(source, { A: '1', C: '' })).toEqual({ text, missing });
  });

  it.each([
    ['as many consumers as run, while the autoscaler sets their number', 3, 3],
    ['those of the stack file where none runs', 0, 2],
  ])('has %s', (_, running, replicas) => {
    const consumer = { image: 'orders-pipeline', deploy: { replicas: 2, mode: 'replicated' } };
    const state = { image: 'orders-pipeline', isJob: false, done: 3, update: undefined };
    const states = [
      { ...state, service: 'console', desired: 1 },
      { ...state, service: 'consumer', desired: running },
    ];
    expect(keptConsumers(consumer, states)).toEqual({ ...consumer, deploy: { ...consumer.deploy, replicas } });
    expect(keptConsumers(consumer, [])).toEqual(consumer);
  });

  it.each([
    ['2/3', 2, 3],
    ['1/2 (max 2 per node)', 1, 2],
    ['0/1 (1/1 completed)', 1, 1],
    ['1/1 (0/1 completed)', 0, 1],
  ])('answers %s as its progress', (text, done, desired) => {
    expect(progressOf(text)).toEqual({ done, desired });
  });
});
