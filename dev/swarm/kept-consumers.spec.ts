import { describe, expect, it } from '@jest/globals';
import { keptConsumers } from './kept-consumers.js';

const CONSUMER = { image: 'orders-pipeline', deploy: { replicas: 2, mode: 'replicated' } };
const STATE = { image: 'orders-pipeline', isJob: false, done: 3, update: undefined };
const consumers = (wanted: number) => [
  { ...STATE, service: 'console', wanted: 1 },
  { ...STATE, service: 'consumer', wanted },
];

describe('the consumers that up deploys while the autoscaler sets their number', () => {
  it('are as many as run, and keep everything else of the stack file', () => {
    expect(keptConsumers(CONSUMER, consumers(3))).toEqual({
      image: 'orders-pipeline',
      deploy: { replicas: 3, mode: 'replicated' },
    });
  });

  it('are those of the stack file where none runs', () => {
    expect(keptConsumers(CONSUMER, consumers(0))).toEqual(CONSUMER);
    expect(keptConsumers(CONSUMER, [])).toEqual(CONSUMER);
  });
});
