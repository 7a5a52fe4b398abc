import { describe, expect, it } from '@jest/globals';
import { aConsumer } from '../../src/pipeline/testing/a-pipeline.js';
import { namesOf, shownConsumers } from './partition-grid.js';

describe('the consumers in the table', () => {
  it('do not include dead ones, so that a name that was taken over appears once', () => {
    const dead = aConsumer({ id: 'a1', state: 'dead' });
    const others = [aConsumer({ id: 'b2' }), aConsumer({ id: 'c3', state: 'silent' })];
    expect(shownConsumers([dead, ...others])).toEqual(others);
  });

  it('have different names', () => {
    const consumers = [['a1b2c3', 'host'] as const, ['d4e5f6', 'host'] as const, ['c3', 'consumer-4'] as const];
    const names = namesOf(consumers.map(([id, name]) => aConsumer({ id, name })));
    expect([...names.values()]).toEqual(['host (a1b2)', 'host (d4e5)', 'consumer-4']);
  });
});
