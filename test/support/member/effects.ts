import type { Effect } from './member-messages.js';

/** An effect, and whose it was. */
export interface SeenEffect extends Effect {
  readonly member: string;
}

/** All that the members of a group did, kept where no kill of a member reaches it. */
export class Effects {
  private readonly seen: SeenEffect[] = [];
  private readonly first = new Map<string, SeenEffect>();
  private readonly again: SeenEffect[] = [];

  add(effect: SeenEffect): void {
    this.seen.push(effect);
    const name = nameOf(effect);
    if (this.first.has(name)) this.again.push(effect);
    else this.first.set(name, effect);
  }

  /** Records handled at least once. */
  get handled(): number {
    return this.first.size;
  }

  has(partition: number, offset: number): boolean {
    return this.first.has(nameOf({ partition, offset }));
  }

  /** The first effects of a partition's records, by their offsets. */
  inPartition(partition: number): SeenEffect[] {
    return [...this.first.values()]
      .filter((effect) => effect.partition === partition)
      .toSorted((a, b) => a.offset - b.offset);
  }

  /** The values of all records handled at least once. */
  values(): Set<string> {
    return new Set([...this.first.values()].map(({ value }) => value));
  }

  /** Effects of records that had been handled before, each with its first one. */
  repeats(): { readonly first: SeenEffect; readonly again: SeenEffect }[] {
    return this.again.flatMap((again) => {
      const first = this.first.get(nameOf(again));
      return first === undefined ? [] : [{ first, again }];
    });
  }

  by(member: string): SeenEffect[] {
    return this.seen.filter((effect) => effect.member === member);
  }

  /** Effects per second of a member over the last so many milliseconds before its last one. */
  rateOf(member: string, overMs: number): number {
    const effects = this.by(member);
    const since = (effects.at(-1)?.endedAt ?? 0) - overMs * 1_000;
    return (effects.filter(({ endedAt }) => endedAt > since).length / overMs) * 1_000;
  }

  /**
   * Each record whose first handling began before the one ahead of it, of the same key, had been handled for the first time.
   * Records without a key have no order.
   */
  orderBreaks(): string[] {
    const withKey = [...this.first.values()].filter(({ key }) => key !== null);
    const byKey = Map.groupBy(withKey, ({ partition, key }) => `${partition}/${key}`);
    return [...byKey.values()].flatMap((effects) => {
      const inOrder = effects.toSorted((a, b) => a.offset - b.offset);
      return inOrder.flatMap((effect, index) => {
        const ahead = inOrder[index - 1];
        if (ahead === undefined || effect.startedAt >= ahead.endedAt) return [];
        return [
          `${nameOf(effect)} of key ${effect.key} by ${effect.member} began ${ahead.endedAt - effect.startedAt} µs ` +
            `before ${nameOf(ahead)} by ${ahead.member} had ended`,
        ];
      });
    });
  }
}

function nameOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}:${offset}`;
}
