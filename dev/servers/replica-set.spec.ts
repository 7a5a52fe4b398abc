import { describe, expect, it } from '@jest/globals';
import { replicaSetStep } from './replica-set.js';

const at = (...hosts: string[]) => ({ name: 'orders', hosts });

describe('a replica set of one', () => {
  it('is initiated on a fresh mongod', () => {
    expect(replicaSetStep(undefined, 0, at('127.0.0.1:27017'))).toEqual({
      command: { replSetInitiate: { _id: 'orders', members: [{ _id: 0, host: '127.0.0.1:27017' }] } },
    });
  });

  it('stays unchanged when its member has the same address', () => {
    const config = { version: 3, members: [{ host: '127.0.0.1:27017' }] };
    expect(replicaSetStep(config, 0, at('127.0.0.1:27017'))).toBe('wait');
  });

  it('gets the new port, and keeps the rest of its configuration', () => {
    const config = { _id: 'orders', version: 3, members: [{ _id: 0, host: '127.0.0.1:27017', votes: 1 }] };
    expect(replicaSetStep(config, 0, at('127.0.0.1:37017'))).toEqual({
      command: {
        replSetReconfig: { _id: 'orders', version: 4, members: [{ _id: 0, host: '127.0.0.1:37017', votes: 1 }] },
        force: true,
      },
    });
  });
});

describe('a replica set of three', () => {
  const wanted = at('127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3');

  it('is initiated by its first member only', () => {
    const members = wanted.hosts.map((host, _id) => ({ _id, host }));
    expect(replicaSetStep(undefined, 0, wanted)).toEqual({
      command: { replSetInitiate: { _id: 'orders', members } },
    });
    expect(replicaSetStep(undefined, 1, wanted)).toBe('wait');
  });

  it('gets the new port of each member', () => {
    const config = { version: 7, members: ['a', 'b', 'c'].map((host) => ({ host })) };
    expect(replicaSetStep(config, 0, wanted)).toEqual({
      command: { replSetReconfig: { version: 8, members: wanted.hosts.map((host) => ({ host })) }, force: true },
    });
    expect(replicaSetStep(config, 2, wanted)).toBe('wait');
  });
});
