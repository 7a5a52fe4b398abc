import { readdir, readFile, writeFile, open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, afterEach, beforeEach, jest } from '@jest/globals';
import { useOrderStore } from './testing/use-order-store.js';
import { NumberInUseError, OrderFiles } from './order-files.js';

const tested = useOrderStore();
const add = (number: number, id = `id-${number}`): Promise<void> =>
  tested.files.add(number, { id, text: JSON.stringify({ id, number }) });

async function numbersIn(index: number): Promise<number[]> {
  const orders = JSON.parse(await readFile(join(tested.folder, `${index}.json`), 'utf8')) as { number: number }[];
  return orders.map(({ number }) => number);
}

describe('the files of the legacy system', () => {
  it('are created in a folder that does not exist yet, and cleared of half-written ones', async () => {
    const path = join(tested.folder, 'a', 'b');
    const openAndClose = async () => (await OrderFiles.open(path, tested.uncertain.resolve)).close();
    await openAndClose();
    await writeFile(join(path, '0.json.tmp'), '[{"id": "x"');
    await openAndClose();
    expect(await readdir(path)).toEqual([]);
  });

  it('are read again after another program has changed them', async () => {
    await add(5);
    await writeFile(join(tested.folder, '0.json'), '[{"id": "id-7", "number": 7}, {"id": "id-6", "number": 6}]');
    expect([...(await tested.files.read(0)).keys()]).toEqual([6, 7]);
  });

  it.each([
    ['half a document', '[{"id": "x", "num', /0.json is not JSON/],
    ['no array', '{}', /not a JSON array/],
    ['no order', '[null]', /does not belong/],
    ['an order without a number', '[{"id": "x"}]', /does not belong/],
    ['a number of another file', '[{"id": "x", "number": 1001}]', /does not belong/],
  ])('are rejected with %s', async (_, text, message) => {
    await writeFile(join(tested.folder, '0.json'), text);
    await expect(tested.files.read(0)).rejects.toThrow(message);
  });
});

describe('orders that are added to a file', () => {
  /** Counts the syncs of files and folders, and makes them fail. */
  let sync: jest.SpiedFunction<FileHandle['sync']>;

  beforeEach(async () => {
    const handle = await open(tested.folder);
    sync = jest.spyOn(Object.getPrototypeOf(handle) as FileHandle, 'sync');
    await handle.close();
  });

  afterEach(() => void jest.restoreAllMocks());

  it('count as stored once the file and the folder are synced', async () => {
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

  it('are written at once if they arrive together, sorted, into their files', async () => {
    await Promise.all([7, 1_001, 3, 1_500, 5].map((number) => add(number)));
    expect(await numbersIn(0)).toEqual([3, 5, 7]);
    expect(await numbersIn(1)).toEqual([1_001, 1_500]);
    expect(await tested.files.list()).toEqual([0, 1]);
    expect((await tested.files.read(2)).size).toBe(0);
    expect(sync).toHaveBeenCalledTimes(4);
  });

  it('are written together if they arrive during a write, and none is lost', async () => {
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

  it('are rejected with a number that is in use, and the others are stored', async () => {
    await add(1);
    const results = await Promise.allSettled([add(1, 'other'), add(2), add(2, 'third')]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect(results[0]).toMatchObject({ reason: new NumberInUseError('number 1 is in use') });
    expect(await numbersIn(0)).toEqual([1, 2]);
  });

  it('are rejected if the file can not be written, and later ones are stored', async () => {
    sync.mockRejectedValueOnce(new Error('disk full'));
    await expect(add(1)).rejects.toThrow('disk full');
    await add(2);
    expect(await numbersIn(0)).toEqual([2]);
  });

  it('get no answer if the outcome is unknown', async () => {
    const failure = new Error('input/output error');
    sync.mockResolvedValueOnce().mockRejectedValueOnce(failure);
    const answered = jest.fn();
    add(1).then(answered, answered);
    await expect(tested.uncertain.promise).resolves.toMatchObject({ name: 'UncertainWriteError', cause: failure });
    expect(answered).not.toHaveBeenCalled();
  });
});
