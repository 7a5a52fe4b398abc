import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { useBook } from '../testing/use-book.js';
import { NumberInUseError } from './group-commits.js';

const tested = useBook();
const add = (number: number, id = `id-${number}`): Promise<void> =>
  tested.commits.add(number, { id, text: JSON.stringify({ id, number }) });

async function numbersIn(index: number): Promise<number[]> {
  const orders = JSON.parse(await readFile(join(tested.folder, `${index}.json`), 'utf8')) as { number: number }[];
  return orders.map(({ number }) => number);
}

describe('group commits', () => {
  /** Counts the syncs of files and folders, and makes them fail. */
  let sync: jest.SpiedFunction<FileHandle['sync']>;

  beforeEach(async () => {
    const handle = await open(tested.folder);
    sync = jest.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'sync');
    await handle.close();
  });

  afterEach(() => void jest.restoreAllMocks());

  it('sync the file and the folder before an order counts as stored', async () => {
    const held = Promise.withResolvers<void>();
    sync.mockImplementationOnce(() => held.promise);
    const stored = jest.fn();
    const write = add(3).then(stored);
    await new Promise((resolve) => void setImmediate(resolve));
    expect(stored).not.toHaveBeenCalled();
    held.resolve();
    await write;
    expect(sync).toHaveBeenCalledTimes(2);
  });

  it('write orders that arrive together at once, sorted, into their files', async () => {
    await Promise.all([7, 1_001, 3, 1_500, 5].map((number) => add(number)));
    expect(await numbersIn(0)).toEqual([3, 5, 7]);
    expect(await numbersIn(1)).toEqual([1_001, 1_500]);
    expect(sync).toHaveBeenCalledTimes(4);
  });

  it('take along what arrives during a write, and lose nothing', async () => {
    const numbers = Array.from({ length: 200 }, (_, at) => at + 1);
    await Promise.all(
      numbers.map(async (number) => {
        for (let turn = 0; turn < number % 7; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
        await add(number);
      }),
    );
    expect(await numbersIn(0)).toEqual(numbers);
    expect(sync.mock.calls.length).toBeLessThan(100);
  });

  it('reject a number that is in use, and store the others', async () => {
    await add(1);
    const results = await Promise.allSettled([add(1, 'other'), add(2), add(2, 'third')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(results[0]).toMatchObject({ reason: new NumberInUseError('number 1 is in use') });
    expect(await numbersIn(0)).toEqual([1, 2]);
  });

  it('reject the orders of a file that can not be written, and then go on', async () => {
    sync.mockRejectedValueOnce(new Error('disk full'));
    await expect(add(1)).rejects.toThrow('disk full');
    await add(2);
    expect(await numbersIn(0)).toEqual([2]);
  });

  it('never answer when the outcome is unknown', async () => {
    const failure = new Error('input/output error');
    sync.mockResolvedValueOnce().mockRejectedValueOnce(failure);
    const answered = jest.fn();
    add(1).then(answered, answered);
    await expect(tested.uncertain.promise).resolves.toMatchObject({ name: 'UncertainWriteError', cause: failure });
    expect(answered).not.toHaveBeenCalled();
  });
});
