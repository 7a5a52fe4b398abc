import { describe, expect, it } from '@jest/globals';
import { GroupCommit } from './group-commit.js';

const OPTIONS = { maxItems: 3, lingerMs: 1, maxWrites: 1 };

/** A writer whose writes end when the spec says so. */
class HeldWriter {
  readonly groups: number[][] = [];
  private readonly ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  private began: () => void = () => undefined;

  readonly write = async (items: readonly number[]): Promise<number[]> => {
    this.groups.push([...items]);
    const ended = new Promise<void>((resolve, reject) => void this.ends.push({ resolve, reject }));
    this.began();
    await ended;
    return items.map((item) => item * 10);
  };

  async nextWrite(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.began = resolve;
    });
  }

  end(error?: Error): void {
    const ended = this.ends.shift();
    if (error) ended?.reject(error);
    else ended?.resolve();
  }
}

describe('the group commit', () => {
  it('writes together what comes together, and gives each its own result', async () => {
    const writer = new HeldWriter();
    const commit = new GroupCommit(writer.write, OPTIONS);
    const began = writer.nextWrite();
    const results = Promise.all([commit.add(1), commit.add(2)]);
    await began;
    writer.end();
    expect(await results).toEqual([10, 20]);
    expect(writer.groups).toEqual([[1, 2]]);
  });

  it('gathers while a write is under way, and writes at most so many at once', async () => {
    const writer = new HeldWriter();
    const commit = new GroupCommit(writer.write, OPTIONS);
    const results = Promise.all([1, 2, 3, 4, 5].map(async (item) => commit.add(item)));
    expect(writer.groups).toEqual([[1, 2, 3]]);
    const next = writer.nextWrite();
    writer.end();
    await next;
    expect(writer.groups).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    writer.end();
    expect(await results).toEqual([10, 20, 30, 40, 50]);
  });

  it('fails all of a write that failed, and none of the next', async () => {
    const writer = new HeldWriter();
    const commit = new GroupCommit(writer.write, OPTIONS);
    const failed = Promise.allSettled([1, 2, 3].map(async (item) => commit.add(item)));
    const good = commit.add(4);
    const next = writer.nextWrite();
    writer.end(new Error('not primary'));
    await next;
    writer.end();
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await good).toBe(40);
  });
});
