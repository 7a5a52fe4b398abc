import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { useTemporaryFolder } from '../testing/temporary-folder.js';
import { ChunkFiles, fileOf, type StoredOrder } from './chunk-files.js';

const folder = useTemporaryFolder();

function order(number: number): [number, StoredOrder] {
  const id = `id-${number}`;
  return [number, { id, text: JSON.stringify({ id, number }) }];
}

describe('the files of the legacy system', () => {
  it('hold 1,000 numbers each', () => {
    expect([1, 1_000, 1_001, 2_000, 2_001].map(fileOf)).toEqual([0, 0, 1, 1, 2]);
  });

  it('are JSON arrays, sorted, with holes', async () => {
    const files = await ChunkFiles.open(folder());
    await files.replace(1, new Map([order(1_002), order(1_900)]));
    const stored: unknown = JSON.parse(await readFile(join(folder(), '1.json'), 'utf8'));
    expect(stored).toEqual([
      { id: 'id-1002', number: 1_002 },
      { id: 'id-1900', number: 1_900 },
    ]);
    expect(await files.list()).toEqual([1]);
    expect((await files.read(0)).size).toBe(0);
    await files.close();
  });

  it('are created in a folder that does not exist yet, and cleared of half-written ones', async () => {
    const path = join(folder(), 'a', 'b');
    await (await ChunkFiles.open(path)).close();
    await writeFile(join(path, '0.json.tmp'), '[{"id": "x"');
    await (await ChunkFiles.open(path)).close();
    expect(await readdir(path)).toEqual([]);
  });

  it('are read again after another program has changed them', async () => {
    const files = await ChunkFiles.open(folder());
    await files.replace(0, new Map([order(5)]));
    await writeFile(join(folder(), '0.json'), '[{"id": "id-7", "number": 7}, {"id": "id-6", "number": 6}]');
    expect([...(await files.read(0)).keys()]).toEqual([6, 7]);
    await files.close();
  });

  it.each([
    ['half a document', '[{"id": "x", "num', /0.json is not JSON/],
    ['no array', '{}', /not a JSON array/],
    ['no order', '[null]', /does not belong/],
    ['an order without a number', '[{"id": "x"}]', /does not belong/],
    ['a number of another file', '[{"id": "x", "number": 1001}]', /does not belong/],
  ])('are rejected with %s', async (_, text, message) => {
    await writeFile(join(folder(), '0.json'), text);
    const files = await ChunkFiles.open(folder());
    await expect(files.read(0)).rejects.toThrow(message);
    await files.close();
  });
});
