import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { useTemporaryFolder, writeInto } from '#orders/testing/temporary-folder.js';
import { CLIENT, guardedBy, formOf, json, problem, type Answerer, useServers } from '../testing/local-servers.js';
import { orderFiles, type OrderFile, uploadOf } from './upload.js';

const MIB = 1_024 * 1_024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Returns the bytes in reachable buffers. Buffers that one collection frees are subtracted only after the next one. */
function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

const folder = useTemporaryFolder();

async function names(...paths: string[]): Promise<string[]> {
  return (await orderFiles(paths, folder())).map(({ name }) => name);
}

async function fileOf(name: string, text: string): Promise<OrderFile> {
  await writeInto(folder(name), text);
  return { path: folder(name), name, mediaType: 'application/json' };
}

async function fileOfSize(bytes: number): Promise<OrderFile> {
  const file = await fileOf('large.json', '');
  await truncate(file.path, bytes);
  return file;
}

/** Rejects the upload as soon as its first data arrive. */
const early: Answerer = (request, response, at) =>
  request.once('data', () => problem(413, 'too-large')(request, response, at));

describe('the files to import', () => {
  beforeEach(async () => {
    await mkdir(folder('other', 'empty'), { recursive: true });
    const files = ['chunks/b.json', 'chunks/a.json', 'chunks/notes.txt', 'chunks/below/c.json', 'other/a.json'];
    for (const name of [...files, 'all.zip', 'more.zip', 'x.json']) await writeInto(folder(name), '[]');
    await symlink(folder('x.json'), folder('chunks', 'link.json'));
  });

  it.each([
    ['the *.json files of a folder, sorted, without subfolders and links', ['chunks'], ['a.json', 'b.json']],
    ['single files in the given order', ['x.json', 'chunks/b.json'], ['x.json', 'b.json']],
    ['folders and files', ['chunks', 'x.json'], ['a.json', 'b.json', 'x.json']],
  ])('are %s', async (_, paths, found) => {
    expect(await names(...paths)).toEqual(found);
  });

  it('have a path that is relative to the working directory, and a media type', async () => {
    expect(await orderFiles(['all.zip'], folder())).toEqual([
      { path: folder('all.zip'), name: 'all.zip', mediaType: 'application/zip' },
    ]);
  });

  it.each([
    ['no-such-file', ['nowhere.json']],
    ['no-such-file', ['x.json/y.json']],
    ['not-orders', ['chunks/notes.txt']],
    ['no-files', ['other/empty']],
    ['zip-not-alone', ['all.zip', 'x.json']],
    ['zip-not-alone', ['all.zip', 'more.zip']],
    ['same-name', ['chunks', 'other/a.json']],
  ])('are rejected with %s', async (code, paths) => {
    await expect(names(...paths)).rejects.toMatchObject({ code, exitCode: 2 });
  });
});

describe('an upload', () => {
  const { connect, startIssuer } = useServers();

  async function send(files: readonly OrderFile[], answer: Answerer): Promise<unknown> {
    const { client } = await connect(answer, { client: CLIENT });
    const { headers, body } = await uploadOf(files);
    return client.post({ path: '/v1/imports', headers, body, noTimeout: true });
  }

  it('is one form with a part `file` per file, named as on disk, with a Content-Length', async () => {
    const files = [await fileOf('a "1".json', '[1]'), await fileOf('ü.json', '["ü"]')];
    const { bytes } = await uploadOf(files);
    let form: unknown;
    await send(files, async (request, response, at) => {
      expect(request.headers['content-length']).toBe(String(bytes));
      form = await formOf(request);
      return json({}, 202)(request, response, at);
    });
    expect(form).toEqual([
      ['file', 'a "1".json', '[1]'],
      ['file', 'ü.json', '["ü"]'],
    ]);
  });

  it('is read from disk while it is sent: a large file needs no memory', async () => {
    const large = await fileOfSize(160 * MIB);
    const before = heldBytes();
    let received = 0;
    let most = 0;
    let collections = 0;
    await send([large], async (request, response, at) => {
      for await (const chunk of request) {
        received += (chunk as Buffer).length;
        if (received < (collections + 1) * 16 * MIB) continue;
        collections += 1;
        most = Math.max(most, heldBytes() - before);
      }
      return json({}, 202)(request, response, at);
    });
    expect(received).toBeGreaterThan(160 * MIB);
    expect(most).toBeLessThan(64 * MIB);
  });

  it('is sent again from its beginning after a broken connection', async () => {
    const file = await fileOf('again.json', `[${'1,'.repeat(200_000)}1]`);
    const sizes: number[] = [];
    await send([file], async (request, response, at) => {
      if (at === 0) return request.once('data', () => request.socket.destroy());
      sizes.push((await buffer(request)).length);
      return json({}, 202)(request, response, at);
    });
    expect(sizes).toEqual([(await uploadOf([file])).bytes]);
  });

  // 16 MiB is more than the buffers of both sockets hold, so the 401 response arrives while the body is still being sent.
  it.each([4, 16 * MIB])('is sent again as a whole, with a token, after a 401 response: %i bytes', async (size) => {
    const file = await fileOfSize(size);
    const sizes: number[] = [];
    const issuer = await startIssuer();
    const answer = guardedBy(issuer, async (request, response, at) => {
      sizes.push((await buffer(request)).length);
      return json({}, 202)(request, response, at);
    });
    await send([file], answer);
    expect(sizes).toEqual([(await uploadOf([file])).bytes]);
    expect(issuer.tokenRequests).toHaveLength(1);
  });

  it('fails with the problem of the producer, also if it responds before all data was sent', async () => {
    await expect(send([await fileOfSize(64 * MIB)], early)).rejects.toMatchObject({ code: 'too-large' });
  });

  it('fails if a file changes in the meantime, instead of sending mixed contents', async () => {
    const file = await fileOf('changing.json', '[1]');
    const upload = await uploadOf([file]);
    await writeFile(file.path, '[1, 2]');
    const { client } = await connect(() => undefined);
    const sent = client.post({ path: '/v1/imports', ...upload });
    await expect(sent).rejects.toMatchObject({ code: 'file-changed' });
  });
});
