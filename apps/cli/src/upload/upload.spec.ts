import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ProducerClient } from '../producer/producer-client.js';
import { guardedBy } from '../testing/guarded-producer.js';
import { ImmediateClock } from '../testing/immediate-clock.js';
import { CLIENT, LocalIssuer } from '../testing/local-issuer.js';
import { answerJson, answerProblem, bodyOf, LocalProducer, type Answerer } from '../testing/local-producer.js';
import type { OrderFile } from './order-files.js';
import { uploadOf } from './upload.js';

const MIB = 1_024 * 1_024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Returns the bytes in reachable buffers. Buffers that one collection frees are subtracted only after the next one. */
function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

describe('an upload', () => {
  let folder: string;
  let producer: LocalProducer | undefined;
  let issuer: LocalIssuer | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-cli-'));
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  afterEach(async () => {
    await Promise.all([producer?.stop(), issuer?.stop()]);
  });

  async function fileOf(name: string, text: string): Promise<OrderFile> {
    await writeFile(join(folder, name), text);
    return { path: join(folder, name), name, mediaType: 'application/json' };
  }

  async function send(files: readonly OrderFile[], answer: Answerer): Promise<unknown> {
    producer = await LocalProducer.start(answer);
    const timing = { clock: new ImmediateClock(), random: () => 1 };
    const client = new ProducerClient(producer.url, timing, { client: CLIENT });
    const { headers, body } = await uploadOf(files);
    return client.request({ method: 'POST', path: '/v1/imports', headers, body, noTimeout: true });
  }

  it('is one form with a part `file` per file, named as on disk, with a Content-Length', async () => {
    const files = [await fileOf('a "1".json', '[1]'), await fileOf('ü.json', '["ü"]')];
    const forms: [string, string, string][] = [];
    await send(files, async (request, response) => {
      const whole = await bodyOf(request);
      expect(request.headers['content-length']).toBe(String(whole.length));
      const type = request.headers['content-type'] ?? '';
      const form = await new Response(whole, { headers: { 'content-type': type } }).formData();
      for (const [field, part] of form) if (typeof part === 'object') forms.push([field, part.name, await part.text()]);
      answerJson(response, 202, {});
    });
    expect(forms).toEqual([
      ['file', 'a "1".json', '[1]'],
      ['file', 'ü.json', '["ü"]'],
    ]);
  });

  it('is read from disk while it is sent: a large file needs no memory', async () => {
    const large = await fileOf('large.json', '');
    await truncate(large.path, 160 * MIB);
    const before = heldBytes();
    let received = 0;
    let most = 0;
    let collections = 0;
    await send([large], async (request, response) => {
      for await (const chunk of request) {
        received += (chunk as Buffer).length;
        if (received < (collections + 1) * 16 * MIB) continue;
        collections += 1;
        most = Math.max(most, heldBytes() - before);
      }
      answerJson(response, 202, {});
    });
    expect(received).toBeGreaterThan(160 * MIB);
    expect(most).toBeLessThan(64 * MIB);
  }, 60_000);

  it('is sent again from its beginning after a broken connection', async () => {
    const file = await fileOf('again.json', `[${'1,'.repeat(200_000)}1]`);
    const sizes: number[] = [];
    await send([file], async (request, response, at) => {
      if (at === 0) return void request.once('data', () => request.socket.destroy());
      sizes.push((await bodyOf(request)).length);
      answerJson(response, 202, {});
    });
    expect(sizes).toEqual([(await uploadOf([file])).bytes]);
  });

  // 16 MiB is more than the buffers of both sockets hold, so the 401 response arrives while the body is still being sent.
  it.each([4, 16 * MIB])('is sent again as a whole, with a token, after a 401 response: %i bytes', async (size) => {
    const file = await fileOf('guarded.json', '');
    await truncate(file.path, size);
    const received: number[] = [];
    issuer = await LocalIssuer.start();
    const answer = guardedBy(issuer, async (request, response) => {
      let bytes = 0;
      for await (const chunk of request) bytes += (chunk as Buffer).length;
      received.push(bytes);
      answerJson(response, 202, {});
    });
    await send([file], answer);
    expect(received).toEqual([(await uploadOf([file])).bytes]);
    expect(issuer.tokenRequests).toHaveLength(1);
  });

  it('fails with the problem of the producer, also if it responds before all data was sent', async () => {
    const large = await fileOf('refused.json', '');
    await truncate(large.path, 64 * MIB);
    const rejected = send([large], (request, response) => {
      request.once('data', () => answerProblem(response, 413, 'too-large'));
    });
    await expect(rejected).rejects.toMatchObject({ code: 'too-large' });
  });

  it('fails if a file changes in the meantime, instead of sending mixed contents', async () => {
    const file = await fileOf('changing.json', '[1]');
    const upload = await uploadOf([file]);
    await writeFile(file.path, '[1, 2]');
    producer = await LocalProducer.start(() => undefined);
    const client = new ProducerClient(producer.url, { clock: new ImmediateClock(), random: () => 1 });
    const sent = client.request({ method: 'POST', path: '/v1/imports', ...upload });
    await expect(sent).rejects.toMatchObject({ code: 'file-changed' });
  });
});
