import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson, bodyOf, type Answerer } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';

describe('import', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-cli-'));
    for (const name of ['b.json', 'a.json']) await writeFile(join(folder, name), '[]');
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  it('imports a folder with one request and one key', async () => {
    const names: string[] = [];
    const answer: Answerer = async (request, response) => {
      const type = request.headers['content-type'] ?? '';
      const form = await new Response(await bodyOf(request), { headers: { 'content-type': type } }).formData();
      for (const part of form.getAll('file')) if (typeof part === 'object') names.push(part.name);
      answerJson(response, 202, { ...OPERATION, kind: 'import', seed: null });
    };
    const { exitCode, err, requests, arrivals } = await runOrders(['import', '.', '--key', 'mine'], answer, {
      workingDirectory: folder,
    });
    expect([exitCode, requests, names]).toEqual([0, ['POST /v1/imports'], ['a.json', 'b.json']]);
    expect(arrivals[0]?.headers['idempotency-key']).toBe('mine');
    expect(err).toMatch(/^Uploading 2 files, /);
  });
});
