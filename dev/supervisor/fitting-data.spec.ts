import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { resolvePartitions, requireSameReplication } from './fitting-data.js';

const made = (partitions: number | undefined) => ({ path: '/data', partitions });

describe('the partitions of a stack', () => {
  it('are those of the existing data, or the requested number on fresh data', () => {
    expect([resolvePartitions(made(undefined), undefined), resolvePartitions(made(undefined), 3)]).toEqual([12, 3]);
    expect([resolvePartitions(made(5), undefined), resolvePartitions(made(5), 5)]).toEqual([5, 5]);
  });

  it('can not be changed', () => {
    expect(() => resolvePartitions(made(5), 6)).toThrow('was created with 5 partitions, but 6 were requested');
  });
});

describe('existing data', () => {
  const choice = { kafka: true, registry: true, mongodb: true };
  let path: string;

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'orders-test-'));
  });

  afterEach(() => rm(path, { recursive: true, force: true }));

  it.each([
    { by: 'one server of each kind', folder: 'mongodb', isReplicated: false },
    { by: 'three', folder: 'kafka-1', isReplicated: true },
  ])('of $by is accepted in the same mode only', async ({ folder, isReplicated }) => {
    await mkdir(join(path, folder));
    expect(() => requireSameReplication(path, { choice, isReplicated })).not.toThrow();
    expect(() => requireSameReplication(path, { choice, isReplicated: !isReplicated })).toThrow('was created with');
  });

  it('of servers that are not embedded now is ignored', async () => {
    await mkdir(join(path, 'mongodb'));
    const outside = { ...choice, mongodb: false };
    expect(() => requireSameReplication(path, { choice: outside, isReplicated: true })).not.toThrow();
  });

  it('is accepted in both modes if it is empty', () => {
    for (const isReplicated of [true, false])
      expect(() => requireSameReplication(path, { choice, isReplicated })).not.toThrow();
  });
});
