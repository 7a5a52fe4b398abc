import type { Locator } from 'playwright-core';
import { eventually } from '../support/eventually.js';

/** What stands in one row of the ways, and how its bar is drawn. */
export interface ComparedRow {
  readonly way: string;
  readonly consumers: number;
  readonly takesSeconds: number;
  readonly possibleSeconds: number;
  readonly faster: string;
  /** Pixels. */
  readonly barWidth: number;
  /** Of the theoretical line, in pixels from where the bars begin. */
  readonly lineAt: number;
}

/** The comparison of the ways to save, as a person uses it. */
export class ComparisonPart {
  readonly compare: Locator;
  readonly stop: Locator;

  constructor(private readonly part: Locator) {
    this.compare = part.getByRole('button', { name: 'Compare', exact: true });
    this.stop = part.getByRole('button', { name: 'Stop', exact: true });
  }

  async says(text: RegExp, withinMs: number): Promise<void> {
    const status = this.part.getByRole('status');
    await eventually(`the comparison says ${text}`, withinMs, async () => text.test(await status.innerText()));
  }

  /** Of the way that is measured now, its label and its number of consumers. */
  async current(): Promise<string> {
    return this.part.locator('tr.current').innerText();
  }

  async rows(): Promise<ComparedRow[]> {
    const rows = await this.part.locator('tbody tr').all();
    return Promise.all(rows.map(async (row) => comparedRow(row)));
  }
}

async function comparedRow(row: Locator): Promise<ComparedRow> {
  const label = await row.getByRole('rowheader').innerText();
  const [consumers = '', takes = '', possible = '', faster = ''] = await row.locator('td.number').allInnerTexts();
  const [track, bar, line] = await Promise.all(
    ['.bar', '.bar i', '.bar b'].map(async (part) => row.locator(part).boundingBox()),
  );
  return {
    way: label.split('\n')[0] ?? '',
    consumers: Number(consumers),
    takesSeconds: secondsOf(takes),
    possibleSeconds: secondsOf(possible),
    faster,
    barWidth: bar?.width ?? Number.NaN,
    lineAt: (line?.x ?? Number.NaN) - (track?.x ?? Number.NaN),
  };
}

/** Of `8 min 20 s` or `1.2 s`. */
function secondsOf(text: string): number {
  const { minutes = '0', seconds } = /^(?:(?<minutes>\d+) min )?(?<seconds>[\d.]+) s$/.exec(text)?.groups ?? {};
  return 60 * Number(minutes) + Number(seconds);
}
