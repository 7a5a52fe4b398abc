import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { pino } from 'pino';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { ClientKeys } from '../apps/facade/src/clients/client-keys.js';
import { FacadeFiles } from '../apps/facade/src/files/facade-files.js';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import { eventually } from './support/eventually.js';
import { ScriptedSide } from './support/scripted-side.js';
import { TestedFacade } from './support/tested-facade.js';

const KEY = 'k'.repeat(40);

describe('the clients of the facade', () => {
  let scripted: ScriptedSide;
  let unreachable: MongoClient;
  let facade: TestedFacade;

  beforeEach(async () => {
    scripted = await ScriptedSide.start(() => ({ body: '[]' }));
    unreachable = new MongoClient('mongodb://127.0.0.1:9/orders', { serverSelectionTimeoutMS: 50 });
    facade = await TestedFacade.start({
      legacyUrl: scripted.url,
      newUrl: scripted.url,
      zone: new LegacyTimeZone('UTC'),
      db: unreachable.db(),
    });
  });

  afterEach(async () => {
    await facade.close();
    scripted.close();
    await unreachable.close();
  });

  it('answers clients that have one, and counts their requests; the legacy system never sees it', async () => {
    facade.keys = ClientKeys.parse(JSON.stringify({ clients: [{ name: 'billing', keys: [hash('sha256', KEY)] }] }));
    const withHeaders = async (headers: Record<string, string>) => fetch(`${facade.url}/orders/page/1`, { headers });
    expect((await withHeaders({ 'x-api-key': KEY })).status).toBe(200);
    const basic = `Basic ${Buffer.from(`billing:${KEY}`).toString('base64')}`;
    expect((await withHeaders({ authorization: basic })).status).toBe(200);
    expect(JSON.stringify(scripted.requests)).not.toMatch(new RegExp(`${KEY}|Basic`));
    const rejected = await withHeaders({ 'x-api-key': `${KEY}x` });
    expect(rejected.status).toBe(401);
    expect(await rejected.json()).toEqual({
      statusCode: 401,
      code: 'bad-api-key',
      error: 'Unauthorized',
      message: 'the API key is unknown, or not that of the named user',
    });
    expect((await withHeaders({})).headers.get('www-authenticate')).toMatch(/^Basic /);
    const metrics = await facade.registry.metrics();
    expect(metrics).toContain('facade_client_requests_total{client="billing"} 2');
    expect(metrics).toContain('facade_client_requests_total{client="unknown"} 2');
    expect(metrics).not.toContain(KEY);
  });

  it('reads a changed file again; a wrong or missing one leaves the keys as they are', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'orders-facade-keys-'));
    const clientsPath = join(folder, 'clients.json');
    const write = async (text: string): Promise<void> => {
      await writeFile(`${clientsPath}.new`, text);
      await rename(`${clientsPath}.new`, clientsPath);
    };
    const clock = new ManualClock();
    const lines: string[] = [];
    const logger = pino({ level: 'info' }, { write: (line) => void lines.push(line) });
    const options = { clientsPath, isProduction: true, rulesPath: undefined, clock, logger };
    await expect(FacadeFiles.open(options)).rejects.toThrow('ENOENT');
    await write(fileOf(KEY));
    const files = await FacadeFiles.open(options);
    const admits = (key: string): boolean => files.keys?.clientOf({ key }) !== undefined;
    const until = async (message: string): Promise<void> =>
      eventually(message, async () => {
        await clock.advance(1_000);
        return lines.some((line) => line.includes(message));
      });
    const next = 'n'.repeat(40);
    await write(fileOf(next));
    await until('file read again');
    expect([admits(KEY), admits(next)]).toEqual([false, true]);
    await write('{"clients": [');
    await until('changed file is wrong');
    expect(admits(next)).toBe(true);
    await write(readFileSync(join(PROJECT_DIRECTORY, 'deploy/legacy-clients.json'), 'utf8'));
    await until('the demo key, which is public');
    expect(admits(next)).toBe(true);
    await rm(folder, { recursive: true });
    await until('ENOENT');
    expect(admits(next)).toBe(true);
    files.close();
    expect(lines.join()).not.toContain(hash('sha256', next));
  });

  it('without them, rejects what a web page could send to this machine', async () => {
    const response = await fetch(`${facade.url}/orders/page/1`, { headers: { origin: 'https://example.com' } });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ statusCode: 403, code: 'foreign-origin', error: 'Forbidden' });
  });
});

function fileOf(key: string): string {
  return JSON.stringify({ clients: [{ name: 'web', keys: [hash('sha256', key)] }] });
}
