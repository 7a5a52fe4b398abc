import { describe, expect, it } from '@jest/globals';
import { namesOf, shownConsumers, type Consumer } from './consumer-rows.js';

function consumer(id: string, name: string, state: Consumer['state'] = 'ready'): Consumer {
  return { id, name, state } as Consumer;
}

describe('the consumers in the table', () => {
  it('do not include dead ones, so that a name that was taken over appears once', () => {
    const all = [
      consumer('a1', 'consumer-3', 'dead'),
      consumer('b2', 'consumer-3'),
      consumer('c3', 'consumer-4', 'silent'),
    ];
    expect(shownConsumers(all).map(({ id }) => id)).toEqual(['b2', 'c3']);
  });

  it('have different names', () => {
    const names = namesOf([consumer('a1b2c3', 'host'), consumer('d4e5f6', 'host'), consumer('c3', 'consumer-4')]);
    expect([...names.values()]).toEqual(['host (a1b2)', 'host (d4e5)', 'consumer-4']);
  });
});
