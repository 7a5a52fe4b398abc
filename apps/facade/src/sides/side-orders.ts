import { z } from 'zod';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import type { LegacyRead } from './legacy-read.js';
import type { LegacySide } from './legacy-side.js';
import type { NewReads } from './new-reads.js';
import type { SideName } from './side.js';
import { SideAwayError } from './side-away-error.js';

/** The orders of at most 2,000 numbers. */
const MAX_BYTES = 1024 * 1024;

const RecordSchema = z.looseObject({
  id: z.string(),
  number: z.int().min(1),
  accountId: z.string(),
  side: z.enum(['buy', 'sell']),
  symbol: z.string(),
  quantity: z.number(),
  price: z.number(),
  amount: z.number(),
  currency: z.string(),
  createdAt: z.string(),
});

/** Reads the orders of either side, in the form of the legacy system. */
export class SideOrders {
  constructor(
    private readonly legacy: LegacySide,
    private readonly newReads: NewReads,
  ) {}

  /**
   * Returns the orders that a side has; none for an unknown id.
   * @throws SideAwayError if it does not answer, or if its answer has something else than orders
   */
  async find(
    side: SideName,
    read: Exclude<LegacyRead, { capability: 'read-by-page' }>,
    signal: AbortSignal,
  ): Promise<readonly LegacyRecord[]> {
    const text = side === 'legacy' ? await this.legacyText(read, signal) : await this.newText(read, signal);
    const value = jsonIn(text, side);
    const parsed = z.array(RecordSchema).safeParse(value === null ? [] : [value].flat());
    if (parsed.success) return parsed.data;
    throw new SideAwayError(side, 'bad-answer', `no orders: ${text.slice(0, 60)}`);
  }

  private async legacyText(read: LegacyRead, signal: AbortSignal): Promise<string> {
    const { status, bytes } = await this.legacy.read(read, MAX_BYTES, signal);
    if (status === 200) return new TextDecoder().decode(bytes);
    throw new SideAwayError('legacy', 'bad-answer', `it responded with ${status}`);
  }

  private async newText(read: LegacyRead, signal: AbortSignal): Promise<string> {
    let text = '';
    for await (const piece of this.newReads.answer(read, signal)) text += piece;
    return text;
  }
}

function jsonIn(text: string, side: SideName): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SideAwayError(side, 'bad-answer', String(error), { cause: error });
  }
}
