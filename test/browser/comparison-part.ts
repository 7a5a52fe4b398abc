import type { Locator } from 'playwright-core';
import { eventually } from '../support/eventually.js';

/** The content of one row of the comparison, and the geometry of its bar. */
export interface ComparedRow {
  readonly way: string;
  readonly consumers: number;
  readonly takesSeconds: number;
  readonly possibleSeconds: number;
  readonly faster: string;
  /** In pixels. */
  readonly barWidth: number;
  /** Position of the line of the theoretical time, in pixels from the start of the bars. */
  readonly lineAt: number;
}

/** Page object of the comparison of the ways to save. */
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

  /** Label and number of consumers of the way that is measured now. */
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

/** Parses `8 min 20 s` or `1.2 s`. */
function secondsOf(text: string): number {
  const { minutes = '0', seconds } = /^(?:(?<minutes>\d+) min )?(?<seconds>[\d.]+) s$/.exec(text)?.groups ?? {};
  return 60 * Number(minutes) + Number(seconds);
}
