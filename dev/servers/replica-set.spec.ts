import { describe, expect, it } from '@jest/globals';
import { replicaSetStep } from './replica-set.js';

describe('a replica set of one', () => {
  it('is initiated on a fresh mongod', () => {
    expect(replicaSetStep(undefined, '127.0.0.1:27017', 'orders')).toEqual({
      command: { replSetInitiate: { _id: 'orders', members: [{ _id: 0, host: '127.0.0.1:27017' }] } },
    });
  });

  it('is left alone when its member is where it was', () => {
    const config = { version: 3, members: [{ host: '127.0.0.1:27017' }] };
    expect(replicaSetStep(config, '127.0.0.1:27017', 'orders')).toBe('wait');
  });

  it('moves with its port, keeping everything else of its configuration', () => {
    const config = { _id: 'orders', version: 3, members: [{ _id: 0, host: '127.0.0.1:27017', votes: 1 }] };
    expect(replicaSetStep(config, '127.0.0.1:37017', 'orders')).toEqual({
      command: {
        replSetReconfig: { _id: 'orders', version: 4, members: [{ _id: 0, host: '127.0.0.1:37017', votes: 1 }] },
        force: true,
      },
    });
  });
});
