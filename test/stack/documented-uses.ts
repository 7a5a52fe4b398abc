import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { DocumentedRun } from '../support/documented/run-documented.js';
import { legacyPairs, Redrives, zipOf } from '../support/sent-orders.js';
import type { TestedStack } from '../support/tested-stack.js';
import { DocumentedShell } from './documented-shell.js';

const ID = '970844c7-0d33-82a3-ba87-000000001266';
const SENT = `curl -i localhost:3001/v1/orders -H 'content-type: application/json' -H 'Idempotency-Key: payment-4711' -d '{"accountId": "acc-0004711", "side": "buy", "symbol": "ACME", "quantity": 100, "price": "187.35", "currency": "USD"}'`;

/** A command, what it prints, and what stands for its placeholders. */
type Row = readonly [command: string, prints: RegExp, replacing?: DocumentedRun['replacing']];

/**
 * The commands of the pages for those who send and query orders.
 * @param shared returns the stack that these specs share with others
 */
export function documentedUsesSpecs(shared: () => TestedStack): void {
  let pipeline: TestedStack;
  let shell: DocumentedShell;
  let folder: string;
  let savedId: string;

  beforeAll(async () => {
    pipeline = shared();
    shell = new DocumentedShell(pipeline, []);
    folder = await mkdtemp(join(tmpdir(), 'orders-documented-'));
    const { id } = await pipeline.populate({ count: 100 });
    await pipeline.allEnded(id);
    const { body } = await pipeline.get<{ items: { id: string }[] }>('/v1/orders?pageSize=1');
    savedId = body.items[0]?.id ?? '';
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  it.each<Row>([
    ['npm run orders -- populate 100000 --watch', /all saved/, { 100000: '100' }],
    [
      'npm run orders -- populate 20000 --poison 0.01 --oversized 0.01 --duplicate 0.02 --conflict 0.01 --watch',
      /dead/,
      { 20000: '200', '0.01': '0.1' },
    ],
    [
      `curl -s localhost:3001/v1/populate -H 'content-type: application/json' -d '{"count": 100000}'`,
      /"count":100,/,
      { 100000: '100' },
    ],
    [`curl -s 'localhost:3000/v1/orders?page=1&pageSize=2'`, /"items":\[\{"id"/],
    [`curl -s 'localhost:3000/v1/orders/range?from=500&to=502'`, /"items":/],
    [`curl -s 'localhost:3000/v1/orders?symbol=ACME&sort=-createdAt'`, /"items":/],
    [`curl -s 'localhost:3000/v1/orders?accountId=acc-0004711'`, /"items":/],
    [`curl -gs 'localhost:3000/v1/orders?amount[gte]=1000000&pageSize=20'`, /"items":/],
    [`curl -gs 'localhost:3000/v1/orders?createdAt[gte]=2026-01-01&createdAt[lte]=2026-01-31'`, /"items":/],
    [`curl -s 'localhost:3000/v1/orders/summary?groupBy=symbol,day'`, /"groups":/],
    [`curl -s 'localhost:3000/v1/orders/summary?groupBy=month&side=buy'`, /"groups":/],
    [`curl -s 'localhost:3000/v1/audit?outcome=refused&from=2026-01-31&pageSize=100'`, /"items":/],
    [`curl -s -X POST 'localhost:3010/populate?count=100000'`, /./, { 100000: '10' }],
    [SENT, /^HTTP\/1\.1 202 Accepted\r[^]*^location: \/v1\/orders\/[^]*"items":\[\{"id"/im],
    ['curl -s -X POST localhost:3002/v1/pipeline/autoscaling/resume', /autoscal/],
    [
      `curl -s -X POST -H 'x-api-key: demo-key-of-the-legacy-api-clients' 'localhost:3005/populate?count=1000'`,
      /./,
      { 'count=1000': 'count=10' },
    ],
    // A parameter that a row lacks would be the callback of Jest.
  ])('%s', async (...[command, prints, replacing]) => {
    expect(await shell.output(command, replacing)).toMatch(prints);
  });

  it.each([
    `curl -s 'localhost:3000/v1/orders/970844c7-0d33-82a3-ba87-000000001266'`,
    `curl -s localhost:3000/v1/orders/batch-get -H 'content-type: application/json' -d '{"ids": ["970844c7-0d33-82a3-ba87-000000001266"]}'`,
    'curl -s localhost:3000/v1/orders/970844c7-0d33-82a3-ba87-000000001266/trace',
  ])('%s', async (command) => {
    expect(await shell.output(command, { [ID]: savedId })).toContain(savedId);
  });

  it('show the progress of an operation, and verify it', async () => {
    const { id } = await pipeline.populate({ count: 10 });
    await pipeline.allEnded(id);
    const shown = await shell.output('curl -s localhost:3001/v1/operations/OPERATION', { OPERATION: id });
    expect(JSON.parse(shown)).toMatchObject({ id, saved: 10 });
    expect(await shell.output('npm run reconcile -- OPERATION', { OPERATION: id })).toContain('10');
  });

  it('export into files', async () => {
    const [headers, lines, table] = ['headers.txt', 'orders.ndjson', 'acme.csv'].map((name) => join(folder, name));
    await shell.output(`curl -s 'localhost:3000/v1/orders/export?format=ndjson' -D headers.txt -o orders.ndjson`, {
      'headers.txt': String(headers),
      'orders.ndjson': String(lines),
    });
    await shell.output(`curl -s 'localhost:3000/v1/orders/export?format=csv&symbol=ACME' -o acme.csv`, {
      'acme.csv': String(table),
    });
    expect(await readFile(String(headers), 'utf8')).toMatch(/^x-complete-through: \d+/im);
    expect(await readFile(String(lines), 'utf8')).toContain(savedId);
    expect(await readFile(String(table), 'utf8')).toMatch(/^id,number,/);
  });

  it('send and import orders of files', async () => {
    const order = { accountId: 'acc-1', side: 'buy', symbol: 'ACME', quantity: 1, price: '1.5', currency: 'USD' };
    const file = join(folder, 'orders.json');
    await writeFile(file, JSON.stringify([order, order]));
    expect(await shell.output('npm run orders -- create orders.json', { 'orders.json': file })).toMatch(/number/i);
    const chunks = join(folder, 'chunks');
    await mkdir(chunks);
    // Numbers that no other case of the stack uses: theirs would be rejected.
    const [first, second, third] = [1, 2, 3].map((at) => JSON.stringify(legacyPairs(3, at * 5_000_000)));
    await writeFile(join(chunks, 'a.json'), String(first));
    const imported = await shell.output('npm run orders -- import ./chunks --watch', { './chunks': chunks });
    const [, operation = ''] = /operation +(\S+)/.exec(imported) ?? [];
    expect(await shell.run('npm run orders -- rejects OPERATION', { OPERATION: operation })).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('No files or rows were rejected.'),
    });
    const [json, zip] = ['chunk-1.json', 'old.zip'].map((name) => join(folder, name));
    await writeFile(String(json), String(second));
    await writeFile(String(zip), await zipOf({ 'x.json': String(third) }));
    const files = { 'chunk-1.json': String(json), 'old.zip': String(zip) };
    const posted = await shell.output(
      'curl -s localhost:3001/v1/imports -F files=@chunk-1.json -F files=@old.zip',
      files,
    );
    expect(posted).toMatch(/"id"/);
  });

  it('show, redrive and discard a dead letter', async () => {
    const { id: operation } = await pipeline.populate({ count: 100, faults: { poison: 0.2 } });
    await pipeline.allEnded(operation);
    const redrives = new Redrives(pipeline);
    const { _id: letter = '', error } = (await redrives.letters.findOne({ operationId: operation })) ?? {};
    const [place, code] = [{ 'orders.v1/3/4711': letter }, { 'unknown-schema': String(error?.code) }];
    expect(await shell.output('npm run orders -- dead-letter orders.v1/3/4711', place)).toContain(letter);
    await shell.output('npm run orders -- redrive --error unknown-schema --dry-run', code);
    await shell.output('npm run orders -- redrive orders.v1/3/4711', place);
    // None of them can be repaired.
    expect((await shell.run('npm run orders -- redrive --error unknown-schema --watch', code)).code).toBe(1);
    await shell.output('npm run orders -- discard --error conflict', { conflict: String(error?.code) });
    expect(await redrives.letters.countDocuments({ 'error.code': String(error?.code), state: 'pending' })).toBe(0);
  });

  it('make a key for a client of the legacy system, and use it in both ways', async () => {
    const made = ['KEY=$(openssl rand -hex 32)', 'printf %s "$KEY" | sha256sum'];
    expect(await shell.output(made)).toMatch(/^[\da-f]{64} /);
    for (const use of [
      'curl -s -H "x-api-key: $KEY" localhost:3005/orders/page/1',
      'curl -s "http://billing:$KEY@localhost:3005/orders/page/1"',
    ])
      expect(await shell.output([...made.slice(0, 1), use])).toMatch(/\[/);
  });
}
