import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { partitionsOn, requireSameReplication } from './fitting-data.js';

const made = (partitions: number | undefined) => ({ path: '/data', partitions });

describe('the partitions of a stack', () => {
  it('are those that its data were made with, or on fresh data as many as are asked for', () => {
    expect([partitionsOn(made(undefined), undefined), partitionsOn(made(undefined), 3)]).toEqual([12, 3]);
    expect([partitionsOn(made(5), undefined), partitionsOn(made(5), 5)]).toEqual([5, 5]);
  });

  it('do not change', () => {
    expect(() => partitionsOn(made(5), 6)).toThrow('were made with 5 partitions, and 6 are asked for');
  });
});

describe('data that were made', () => {
  const choice = { kafka: true, registry: true, mongodb: true };
  let path: string;

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'orders-test-'));
  });

  afterEach(() => rm(path, { recursive: true, force: true }));

  it.each([
    { by: 'one server of each kind', folder: 'mongodb', isReplicated: false },
    { by: 'three', folder: 'kafka-1', isReplicated: true },
  ])('by $by are for such a stack only', async ({ folder, isReplicated }) => {
    await mkdir(join(path, folder));
    expect(() => requireSameReplication(path, { choice, isReplicated })).not.toThrow();
    expect(() => requireSameReplication(path, { choice, isReplicated: !isReplicated })).toThrow('were made with');
  });

  it("by servers that are not embedded now are nobody's concern", async () => {
    await mkdir(join(path, 'mongodb'));
    const outside = { ...choice, mongodb: false };
    expect(() => requireSameReplication(path, { choice: outside, isReplicated: true })).not.toThrow();
  });

  it('by nobody yet are for any', () => {
    for (const isReplicated of [true, false])
      expect(() => requireSameReplication(path, { choice, isReplicated })).not.toThrow();
  });
});
