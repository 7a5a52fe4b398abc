import { describe, expect, it } from '@jest/globals';
import { labelsOf } from './node-labels.js';

describe('labelsOf', () => {
  it('gives one node all labels', () => {
    const [[node, labels] = ['', []]] = labelsOf(['a']);
    expect([node, labels.length]).toEqual(['a', 9]);
  });

  it('gives each of three nodes one broker and one member, and two of them the gateway', () => {
    const labels = labelsOf(['a', 'b', 'c']).map(([, each]) => each);
    for (const [at, each] of labels.entries())
      expect(each).toEqual(expect.arrayContaining([`orders.kafka-${at + 1}`, `orders.mongodb-${at + 1}`]));
    expect(labels.flat().filter((label) => label === 'orders.gateway')).toHaveLength(2);
    expect(new Set(labels.flat()).size).toBe(9);
  });

  it.each([[['a', 'b']], [['a', 'b', 'b']], [[]]])('refuses %j', (nodes) => {
    expect(() => labelsOf(nodes)).toThrow(/^bad-argument: --nodes takes one node or three different ones/);
  });
});
