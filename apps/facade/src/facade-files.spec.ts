import { hash } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { FacadeFiles } from './facade-files.js';

const fileOf = (key: string) => JSON.stringify({ clients: [{ name: 'web', keys: [hash('sha256', key)] }] });
const KEY = 'k'.repeat(40);
const NEXT = 'n'.repeat(40);
const DEMO_KEY = 'demo-key-of-the-legacy-api-clients';

describe('the files that an operator changes', () => {
  let folder: string;
  let clientsPath: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-facade-files-'));
    clientsPath = join(folder, 'clients.json');
  });

  afterEach(async () => rm(folder, { recursive: true, force: true }));

  async function write(text: string): Promise<void> {
    await writeFile(`${clientsPath}.new`, text);
    await rename(`${clientsPath}.new`, clientsPath);
  }

  it('are read again when they change; a wrong or missing one is reported, and leaves the keys as they are', async () => {
    const clock = new ManualClock();
    let reported = Promise.withResolvers<string>();
    const logger = pino({ level: 'info' }, { write: (line) => reported.resolve(line) });
    const options = { clientsPath, isProduction: true, rulesPath: undefined, clock, logger };
    await expect(FacadeFiles.open(options)).rejects.toThrow('ENOENT');
    await write(fileOf(KEY));
    const files = await FacadeFiles.open(options);
    const admitted = () => [KEY, NEXT].filter((key) => files.keys?.clientOf({ key }) !== undefined);
    expect(admitted()).toEqual([KEY]);
    /** Returns what is reported after a change. */
    const afterChange = async (change: Promise<void>): Promise<string> => {
      await change;
      reported = Promise.withResolvers();
      await clock.advance(1_000);
      return reported.promise;
    };
    expect(await afterChange(write(fileOf(NEXT)))).not.toContain(hash('sha256', NEXT));
    expect(admitted()).toEqual([NEXT]);
    expect(await afterChange(write('{"clients": ['))).toContain('changed file is wrong');
    expect(await afterChange(write(fileOf(DEMO_KEY)))).toContain('the demo key, which is public');
    expect(await afterChange(rm(clientsPath))).toContain('ENOENT');
    expect(admitted()).toEqual([NEXT]);
    files.close();
  });
});
