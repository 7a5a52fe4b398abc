import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { eventually } from '../support/eventually.js';
import { Pipeline } from '../support/pipeline.js';
import { processesNaming } from '../support/processes-naming.js';
import { launchBrowser } from './browser.js';
import { ComparisonPart, type ComparedRow } from './comparison-part.js';
import { ConsolePage } from './console-page.js';

const LABELS = {
  oneAfterAnother: 'one after another',
  perPartition: 'one at a time per partition',
  byKey: 'in flight, in order per account',
  unordered: 'in flight, without order',
};

describe('the comparison on the page of the console', () => {
  let folder: string;
  let pipeline: Pipeline;
  let browser: Browser;
  let console: ConsolePage;
  let comparison: ComparisonPart;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-test-'));
    // A killed comparison leaves its data there.
    const temporary = join(folder, 'temporary');
    await mkdir(temporary);
    browser = await launchBrowser();
    pipeline = await Pipeline.startWith({ TMPDIR: temporary });
    console = await ConsolePage.open(await browser.newContext(), `${pipeline.stack.consoleUrl}/`);
    comparison = new ComparisonPart(console.part('Compare'));
  }, 400_000);

  afterAll(async () => {
    await browser.close();
    await pipeline.end();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('can be stopped, shows that it was stopped, and can be started again', async () => {
    await comparison.compare.click();
    await comparison.says(/^its pipeline starts$/, 10_000);
    await comparison.stop.click();
    await comparison.says(/^It was stopped[.]$/, 30_000);
    expect([await comparison.stop.count(), await comparison.compare.isEnabled()]).toEqual([0, true]);
  }, 60_000);

  it('shows the reason when its process was killed', async () => {
    await comparison.compare.click();
    await comparison.says(/^its pipeline starts$/, 10_000);
    const program = join('dist', 'dev', 'compare.js');
    const running = async () => processesNaming(program, pipeline.stack.dataDirectory);
    await eventually('the process of the comparison runs', 10_000, async () => (await running()).length === 1);
    for (const pid of await running()) process.kill(pid, 'SIGKILL');
    await comparison.says(/^The comparison ended by itself: SIGKILL/, 20_000);
    expect(await comparison.compare.isEnabled()).toBe(true);
  }, 60_000);

  it('starts once, even when its button is double-clicked, and shows its progress', async () => {
    await comparison.compare.dblclick();
    await comparison.says(/^its pipeline starts$/, 10_000);
    expect(await comparison.compare.isDisabled()).toBe(true);
    await comparison.says(/^measuring: one after another, 1 consumer$/, 90_000);
    expect(await comparison.current()).toMatch(/^one after another[^]*…/);
    expect([await comparison.compare.isDisabled(), await comparison.stop.isEnabled()]).toEqual([true, true]);
    expect(await console.part('Compare').getByRole('alert').count()).toBe(0);
  }, 120_000);

  it('ends with each way beside its theoretical time, and those in flight are far faster than one per partition', async () => {
    await comparison.says(/^measuring: in flight/, 120_000);
    await eventually('the comparison has ended', 120_000, async () => (await comparison.stop.count()) === 0);
    const rows = await comparison.rows();
    expect(rows.map(({ way, consumers }) => [way, consumers])).toEqual([
      [LABELS.oneAfterAnother, 1],
      ...withEachCount(LABELS.perPartition),
      ...withEachCount(LABELS.byKey),
      ...withEachCount(LABELS.unordered),
    ]);
    // Both times are rounded to seconds, and no way is faster than its theoretical time.
    for (const { takesSeconds, possibleSeconds } of rows) expect(takesSeconds).toBeGreaterThan(possibleSeconds - 1);
    for (const { faster } of rows) expect(faster).toMatch(/^x\d/);
    const takes = (...labels: string[]) => rowsOf(rows, ...labels).map(({ takesSeconds }) => takesSeconds);
    const longestInFlight = Math.max(...takes(LABELS.byKey, LABELS.unordered));
    expect(longestInFlight).toBeLessThan(Math.min(...takes(LABELS.perPartition)) / 5);
  }, 260_000);

  it('draws a bar for the time of each way, and a line at its theoretical time', async () => {
    const rows = await comparison.rows();
    const inFlight = rowsOf(rows, LABELS.byKey, LABELS.unordered);
    const perPartition = rowsOf(rows, LABELS.perPartition);
    const [slowest] = rowsOf(rows, LABELS.oneAfterAnother);
    for (const drawn of ['barWidth', 'lineAt'] as const) {
      const [fast, middle] = [inFlight, perPartition].map((some) => some.map((row) => row[drawn]));
      expect(Math.min(...(fast ?? []))).toBeGreaterThan(0);
      expect(Math.max(...(fast ?? []))).toBeLessThan(Math.min(...(middle ?? [])));
      expect(Math.max(...(middle ?? []))).toBeLessThan(slowest?.[drawn] ?? 0);
    }
    expect(await console.violations()).toEqual([]);
  }, 30_000);
});

function rowsOf(rows: readonly ComparedRow[], ...labels: readonly string[]): ComparedRow[] {
  return rows.filter(({ way }) => labels.includes(way));
}

function withEachCount(label: string): [string, number][] {
  return [1, 2, 4].map((consumers) => [label, consumers]);
}
