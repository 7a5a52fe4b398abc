import { request, type ClientRequest } from 'node:http';
import { beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { Imports, legacyPairs, zipOf, type LegacyPair } from '../support/sent-orders.js';
import { TestSystem } from '../support/test-system.js';

const BOMB = Buffer.alloc(20_000_000);
const TRUNCATED = '--b\r\nContent-Disposition: form-data; name="f"; filename="a.json"\r\n\r\n[';

/**
 * @param shared returns the pipeline that these specs share with others
 * @param maxBytes its limit for a file
 */
export function badImportsSpecs(shared: () => TestSystem, maxBytes: number): void {
  let pipeline: TestSystem;
  let imports: Imports;

  beforeAll(async () => {
    pipeline = shared();
    imports = new Imports(pipeline);
  });

  it('stores invalid rows as rejects with file, row and reason, and imports the others', async () => {
    const rows = legacyPairs(8);
    const text = (at: number, more = ''): string => `{"id": "${rows[at]?.id}", "number": ${rows[at]?.number}${more}}`;
    // The unit specs of the splitter and of the rows have all reasons. These have one of each part that finds some.
    const bad: [string, string][] = [
      ['not-json', text(1, ', "amount": NaN')],
      ['duplicate-key', text(1, ', "number": 1')],
      ['row-too-large', text(1, `, "symbol": "${'x'.repeat(100_000)}"`)],
      ['missing-field', '{}'],
    ];
    const { body } = await imports.upload({
      'good.json': rows.slice(2, 4),
      'mixed.json': `[${[text(0), ...bad.map(([, row]) => row), text(1)].join(',\n')}]`,
      'empty.json': '',
      'object.json': text(4),
      'broken.json': `[${text(4)}, ${text(5)}, {"id": "`,
      'trailing.json': `[${text(6)}] and more`,
      'latin1.json': Buffer.from(`[{"id": "é"}, ${text(7)}]`, 'latin1'),
    });
    const operation = await imports.ended(body.id);
    expect(await imports.brought(operation)).toEqual([2, 3, 0, 1, 4, 5, 6, 7].map((at) => rows[at] as LegacyPair));
    const files = await imports.files(operation.id);
    expect(files.map(({ name, reason }) => [name, reason?.code]).filter(([, code]) => code !== undefined)).toEqual([
      ['empty.json', 'empty'],
      ['object.json', 'not-an-array'],
    ]);
    const rejects = await imports.rejects(operation.id);
    expect(rejects.map(({ fileName, row, code }) => [fileName, row, code])).toEqual([
      ...bad.map(([code], at) => ['mixed.json', at + 1, code]),
      ['broken.json', 2, 'broken-off'],
      ['trailing.json', 1, 'trailing-text'],
      ['latin1.json', 0, 'not-utf-8'],
    ]);
    for (const [at, [, row]] of bad.entries()) expect(rejects[at]?.text).toBe(row.slice(0, 4_096));
    const download = await fetch(`${pipeline.producerUrl}/v1/imports/${operation.id}/rejects.ndjson`);
    expect(download.headers.get('content-disposition')).toMatch(/^attachment; filename="import-.*[.]ndjson"$/);
    const lines = (await download.text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(rejects);
  });

  const uploaded = (files: Readonly<Record<string, unknown>>, query?: string) => async () =>
    imports.upload(files, { ...(query !== undefined && { query }) });
  const posted = (body: string | FormData, type?: string) => async () =>
    imports.post(body, { ...(type !== undefined && { headers: { 'content-type': type } }) });

  it.each<[string, number, string, () => Promise<{ status: number; body: unknown }>]>([
    ['without a file', 400, 'no-files', uploaded({})],
    ['of a file name with a path outside the folder', 422, 'unsafe-path', uploaded({ '../a.json': [], 'b.json': [] })],
    ['of a zip bomb', 422, 'zip-bomb', async () => imports.upload({ 'a.zip': await zipOf({ 'a.json': BOMB }) })],
    ['that is truncated', 400, 'broken-upload', posted(TRUNCATED, 'multipart/form-data; boundary=b')],
    ['without its boundary', 400, 'broken-upload', posted('x', 'multipart/form-data')],
    ['over the limit', 413, 'import-too-large', uploaded({ 'a.json': '[]', 'b.json': Buffer.alloc(maxBytes, ' ') })],
    ['with a field', 400, 'invalid-request', posted(fieldForm())],
    ['with a bad option', 400, 'invalid-request', uploaded({ 'a.json': [] }, '?chunkSize=0')],
  ])('%s is rejected with %i %s, and nothing is kept', async (_, status, code, send) => {
    const operations = await pipeline.db.collection('operations').countDocuments();
    expect(await send()).toMatchObject({ status, body: { status, code, detail: expect.any(String) } });
    // The producer answers first, and then removes the bytes that it has received.
    await eventually('no bytes are kept', async () => (await imports.bytesKept()) === 0);
    expect(await pipeline.db.collection('operations').countDocuments()).toBe(operations);
    expect(await pipeline.db.collection('importManifest').countDocuments({ state: 'waiting' })).toBe(0);
  });

  it('of another media type is rejected with the accepted ones', async () => {
    const { status, body } = await imports.post('x', { headers: { 'content-type': 'text/csv' } });
    expect([status, body.code, body.detail]).toEqual([
      415,
      'unsupported-media-type',
      'The Content-Type must be multipart/form-data or application/zip or application/json, got text/csv.',
    ]);
  });

  it('is not accepted as the body of a populate', async () => {
    const form = new FormData();
    form.append('count', '5');
    const answer = await fetch(`${pipeline.producerUrl}/v1/populate`, { method: 'POST', body: form });
    expect([400, 415]).toContain(answer.status);
  });

  it('is refused with 429 while its caller sends as many imports as it may, and with that limit only', async () => {
    const url = `${pipeline.producerUrl}/v1/imports`;
    const open: ClientRequest[] = [];
    const begin = (): void => {
      const upload = request(url, { method: 'POST', headers: { 'content-type': 'application/zip' }, agent: false });
      upload.on('error', () => upload.destroy());
      upload.write('PK');
      open.push(upload);
    };
    const accepted: string[] = [];
    /** Sends a whole import, which is accepted if there is a place. */
    const send = async (): ReturnType<Imports['upload']> => {
      const answer = await imports.upload({ 'a.json': legacyPairs(1) });
      if (answer.status === 202) accepted.push(answer.body.id);
      return answer;
    };
    const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<Imports['upload']>>>();
    await eventually('all places are taken', async () => {
      // An earlier import may still have a place, so that one of these is refused.
      begin();
      const answer = await send();
      if (answer.status === 429) resolve(answer);
      return answer.status === 429;
    });
    const refused = await promise;
    expect([refused.body.code, refused.headers.get('retry-after')]).toEqual(['too-many-imports', '5']);
    expect(refused.body.detail).toContain('IMPORTS_PER_CALLER');
    for (const upload of open) upload.destroy();
    await eventually('the places are given back', async () => (await send()).status === 202);
    for (const id of accepted) await imports.ended(id);
  });

  it('has no import routes for operations that are not imports', async () => {
    const populated = await pipeline.populate({ count: 1 });
    await pipeline.allSaved(populated.id);
    for (const path of ['', '/files', '/rejects', '/rejects.ndjson'])
      for (const [id, status] of [
        [populated.id, 404],
        ['01935c9e-8a00-7000-8000-000000000009', 404],
        ['x', 400],
      ] as const)
        expect((await fetch(`${pipeline.producerUrl}/v1/imports/${id}${path}`)).status).toBe(status);
    for (const query of ['?pageSize=0', '?after=x', '?page=1', '?after=1&after=2'])
      expect((await fetch(`${pipeline.producerUrl}/v1/imports/${populated.id}/rejects${query}`)).status).toBe(400);
  });
}

function fieldForm(): FormData {
  const form = new FormData();
  form.append('chunkSize', '5');
  return form;
}
