import { appendFile, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Long } from 'mongodb';
import { ordersCollection } from '#orders/order/order-document.js';
import { SmallDisk } from '../chaos/cluster/small-disk.js';
import { Archives, settled } from '../support/archives.js';
import { eventually } from '../support/eventually.js';
import type { TestSystem } from '../support/test-system.js';
import type { PopulateResponse } from '../support/tested-stack.js';
import { reconciled } from '../support/started-app.js';

const COUNT = 12_000;
/** Works 10 % of the time: moving 12,000 orders then takes some seconds. */
const SLOWLY = ['--share', '10'];

/** Archiving that is killed, or whose disk is full, and archives that were damaged. @param shared returns the pipeline */
export function archiveCrashSpecs(shared: () => TestSystem): void {
  let pipeline: TestSystem;
  let archives: Archives;
  let populate: PopulateResponse;
  let before: Date;
  let own: string[];

  beforeAll(async () => {
    pipeline = shared();
    archives = await Archives.of(pipeline);
    populate = await pipeline.populate({ count: COUNT, seed: 9 });
    await pipeline.allSaved(populate.id);
    await settled(pipeline.db, populate.id);
    before = new Date();
    own = ['--operation', populate.id];
  });

  afterAll(async () => archives.remove());

  async function saved(): Promise<number> {
    const numbers = {
      $gte: Long.fromNumber(populate.firstNumber),
      $lt: Long.fromNumber(populate.firstNumber + COUNT),
    };
    return ordersCollection(pipeline.db).countDocuments({ number: numbers });
  }

  /** Kills a command when some of the orders are moved. */
  async function killMidway(...args: string[]): Promise<number> {
    const started = archives.start(...args);
    try {
      await eventually('some orders are moved', async () => {
        const left = await saved();
        return left > 0 && left < COUNT;
      });
    } finally {
      started.process.kill('SIGKILL');
      await started.ended;
    }
    return saved();
  }

  it('leave MongoDB as it was when the disk of the archive is full, and can be run again', async () => {
    const small = archives.in(join(archives.folder, 'small'));
    const disk = await SmallDisk.at(small.folder, 1);
    if (disk === undefined) return console.warn('skipped: this machine does not allow to mount a small disk');
    try {
      await disk.fill();
      const { code, stderr } = await small.archive(before, ...own);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/its disk is full. Nothing of this archive was removed/),
      ]);
      expect([await saved(), (await small.list()).archives]).toEqual([COUNT, []]);
      await disk.free();
      expect(await small.files()).toEqual([]);
    } finally {
      await disk.remove();
    }
  });

  it('are continued after a kill in the middle of the removal; meanwhile nothing is missing', async () => {
    const left = await killMidway(archives.folder, '--before', before.toISOString(), ...own, ...SLOWLY);
    expect(left).toBeGreaterThan(0);
    expect((await archives.list()).archives).toMatchObject([{ state: 'removing', orders: COUNT }]);
    expect(await reconciled(pipeline, populate.id)).toMatchObject({
      verdict: 'holds',
      archived: COUNT,
      missing: 0,
    });
    expect(await pipeline.operation(populate.id)).toMatchObject({ saved: COUNT, archived: COUNT });
    const elsewhere = archives.in(join(archives.folder, 'elsewhere'));
    expect(await elsewhere.archive(before, ...own)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no manifest'),
    });
    expect(await archives.archive(before, ...own)).toMatchObject({ code: 0, stderr: '' });
    expect([await saved(), (await archives.list('--verify')).archives]).toMatchObject([
      0,
      [{ state: 'archived', file: 'intact' }],
    ]);
  });

  it('refuse to bring back an archive that was altered or cut short, and change nothing', async () => {
    const [{ name } = { name: '' }] = (await archives.list()).archives;
    for (const damage of ['altered', 'cut']) {
      const copy = archives.in(join(archives.folder, damage));
      await mkdir(copy.folder);
      const [from, to] = [archives, copy].map(({ folder }) => join(folder, name));
      await copyFile(`${from}.manifest.json`, `${to}.manifest.json`);
      const file = await readFile(`${from}.bson.gz`);
      if (damage === 'cut') await writeFile(`${to}.bson.gz`, file.subarray(0, file.length >> 1));
      else await copyFile(`${from}.bson.gz`, `${to}.bson.gz`);
      if (damage === 'altered') await appendFile(`${to}.bson.gz`, 'x');
      expect(await copy.run('bring-back', name, copy.folder)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('Use another copy of the archive'),
      });
      expect((await copy.list('--verify')).code).toBe(1);
    }
    expect([await saved(), (await archives.list()).archives]).toMatchObject([0, [{ state: 'archived' }]]);
  });

  it('are brought back after a kill in the middle', async () => {
    const back = await killMidway('bring-back', populate.id, archives.folder, ...SLOWLY);
    expect(back).toBeLessThan(COUNT);
    expect((await archives.list()).archives).toMatchObject([{ state: 'returning' }]);
    expect(await archives.run('bring-back', populate.id, archives.folder)).toMatchObject({ code: 0, stderr: '' });
    expect([await saved(), (await archives.list()).archives]).toMatchObject([COUNT, [{ state: 'unlisted' }]]);
    expect(await reconciled(pipeline, populate.id)).toMatchObject({
      verdict: 'holds',
      saved: COUNT,
      archived: 0,
    });
  });

  it('use the archive that is there when they run again after it was brought back', async () => {
    const files = await archives.files();
    expect(await archives.archive(before, ...own)).toMatchObject({ code: 0, stderr: '' });
    expect([await saved(), await archives.files()]).toEqual([0, files]);
    await archives.run('bring-back', populate.id, archives.folder);
    await ordersCollection(pipeline.db).updateOne({ number: populate.firstNumber as never }, { $set: { quantity: 1 } });
    expect(await archives.archive(before, ...own)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('with other orders than MongoDB has'),
    });
    expect(await saved()).toBe(COUNT);
  });
}
