/** Writes many items at once. @returns one result for each, in their order. @throws when nothing is certain of any */
export type GroupWriter<T, R> = (items: readonly T[]) => Promise<readonly R[]>;

export interface GroupCommitOptions {
  /** Items of one write at the most. */
  readonly maxItems: number;
  /** How long the first item of a group waits for company, in ms. */
  readonly lingerMs: number;
  /** Writes under way at once. While all are, the next group grows: the slower the database, the larger the groups. */
  readonly maxWrites: number;
}

/**
 * Groups single writes into few large ones, as databases do with their logs: a durable insert of one order costs MongoDB
 * some 25 times as much as an order in an insert of a thousand. Each caller waits until its own item is durable.
 */
export class GroupCommit<T, R> {
  private waiting: { item: T; resolve: (result: R) => void; reject: (error: unknown) => void }[] = [];
  private writes = 0;
  private linger: NodeJS.Timeout | undefined;

  constructor(
    private readonly write: GroupWriter<T, R>,
    private readonly options: GroupCommitOptions,
  ) {}

  /** @returns the item's own result. @throws what its write threw */
  async add(item: T): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.waiting.length === 0 || this.writes >= this.options.maxWrites) return;
    if (this.waiting.length >= this.options.maxItems) void this.flush();
    else this.linger ??= setTimeout(() => void this.flush(), this.options.lingerMs);
  }

  private async flush(): Promise<void> {
    clearTimeout(this.linger);
    this.linger = undefined;
    if (this.writes >= this.options.maxWrites) return;
    const group = this.waiting.splice(0, this.options.maxItems);
    this.writes += 1;
    this.schedule();
    try {
      const results = await this.write(group.map(({ item }) => item));
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as R);
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      this.writes -= 1;
      this.schedule();
    }
  }
}
