import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { useBook } from '../testing/use-book.js';
import { ChunkFiles, type StoredOrder } from './chunk-files.js';

const tested = useBook();

function order(number: number): [number, StoredOrder] {
  const id = `id-${number}`;
  return [number, { id, text: JSON.stringify({ id, number }) }];
}

describe('the files of the legacy system', () => {
  it('are JSON arrays, sorted, with holes', async () => {
    await tested.files.replace(1, new Map([order(1_002), order(1_900)]));
    const stored: unknown = JSON.parse(await readFile(join(tested.folder, '1.json'), 'utf8'));
    expect(stored).toEqual([
      { id: 'id-1002', number: 1_002 },
      { id: 'id-1900', number: 1_900 },
    ]);
    expect(await tested.files.list()).toEqual([1]);
    expect((await tested.files.read(0)).size).toBe(0);
  });

  it('are created in a folder that does not exist yet, and cleared of half-written ones', async () => {
    const path = join(tested.folder, 'a', 'b');
    await (await ChunkFiles.open(path)).close();
    await writeFile(join(path, '0.json.tmp'), '[{"id": "x"');
    await (await ChunkFiles.open(path)).close();
    expect(await readdir(path)).toEqual([]);
  });

  it('are read again after another program has changed them', async () => {
    await tested.files.replace(0, new Map([order(5)]));
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
