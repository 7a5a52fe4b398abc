import type { LegacyRecord } from '#legacy/translation/legacy-record.js';

/** A read of the legacy system's API, with the path that asks for it. */
export type ClientRead = { readonly path: string } & (
  | { readonly id: string }
  | { readonly from: number; readonly to: number }
);

/** The orders that one client knows: those of its acknowledged writes, and all that a read has ever returned to it. */
export class ClientMemory {
  private readonly texts = new Map<string, string>();
  private readonly numbers = new Map<string, number>();

  learn(record: LegacyRecord): void {
    this.texts.set(record.id, JSON.stringify(record));
    this.numbers.set(record.id, record.number);
  }

  /** Known ids, the oldest first. */
  get ids(): readonly string[] {
    return [...this.texts.keys()];
  }

  numberOf(id: string): number | undefined {
    return this.numbers.get(id);
  }

  /**
   * Judges a whole answer with status 200: orders don't change and don't disappear, so it must have all that the client knew when it
   * asked and that match, as they were. Learns the orders that are new.
   * @returns why the answer is wrong; `undefined` if it is right
   */
  judge(read: ClientRead, text: string): string | undefined {
    const body = parsed(text);
    if ('id' in read) return this.judgeOrder(read.id, body);
    if (!Array.isArray(body) || !body.every(isRecord)) return `${read.path}: the answer is no list of orders`;
    return this.judgeList(read, body);
  }

  private judgeOrder(id: string, body: unknown): string | undefined {
    if (body === null) return this.texts.has(id) ? `order ${id} is known to the client, and missing` : undefined;
    if (!isRecord(body) || body.id !== id) return `the answer for ${id} is another order`;
    return this.judgeRecord(body);
  }

  private judgeList(
    { from, to, path }: Extract<ClientRead, { from: number }>,
    records: readonly LegacyRecord[],
  ): string | undefined {
    const returned = new Set<string>();
    let last = 0;
    for (const record of records) {
      const { id, number } = record;
      if (number < from || number > to || number <= last || returned.has(id))
        return `${path}: order ${number} is out of the range, out of order, or there twice`;
      last = number;
      returned.add(id);
    }
    for (const [id, number] of this.numbers)
      if (number >= from && number <= to && !returned.has(id))
        return `${path}: order ${number} (${id}) is known to the client, and missing`;
    return records.map((record) => this.judgeRecord(record)).find((reason) => reason !== undefined);
  }

  private judgeRecord(record: LegacyRecord): string | undefined {
    const known = this.texts.get(record.id);
    const text = JSON.stringify(record);
    if (known !== undefined && known !== text) return `order ${record.id} was ${known}, and is ${text}`;
    this.learn(record);
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A whole answer that is no JSON is a wrong one.
    return undefined;
  }
}

export function isRecord(value: unknown): value is LegacyRecord {
  return typeof value === 'object' && value !== null && 'id' in value && 'number' in value;
}
