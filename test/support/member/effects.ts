import type { Effect } from './member-messages.js';

/** An effect and the member that caused it. */
export interface SeenEffect extends Effect {
  readonly member: string;
}

/** The effects of all members of a group, kept in the test's process, where they survive kills of members. */
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

  /** The number of records handled at least once. */
  get handled(): number {
    return this.first.size;
  }

  has(partition: number, offset: number): boolean {
    return this.first.has(nameOf({ partition, offset }));
  }

  /** Returns the first effects of a partition's records, in offset order. */
  inPartition(partition: number): SeenEffect[] {
    return this.all()
      .filter((effect) => effect.partition === partition)
      .toSorted((a, b) => a.offset - b.offset);
  }

  /** Returns the first effect of each record. */
  all(): SeenEffect[] {
    return [...this.first.values()];
  }

  /** Returns the values of all records handled at least once. */
  values(): Set<string> {
    return new Set(this.all().map(({ value }) => value));
  }

  /** Returns the effects of records that had been handled before, each with the first one. */
  repeats(): { readonly first: SeenEffect; readonly again: SeenEffect }[] {
    return this.again.flatMap((again) => {
      const first = this.first.get(nameOf(again));
      return first === undefined ? [] : [{ first, again }];
    });
  }

  by(member: string): SeenEffect[] {
    return this.seen.filter((effect) => effect.member === member);
  }

  /**
   * Returns the violations of order: records whose first handling began before that of the previous record with the same key
   * had ended. Records without a key have no order.
   */
  orderBreaks(): string[] {
    const withKey = this.all().filter(({ key }) => key !== null);
    const byKey = Map.groupBy(withKey, ({ partition, key }) => `${partition}/${key}`);
    return [...byKey.values()].flatMap((effects) => {
      const inOrder = effects.toSorted((a, b) => a.offset - b.offset);
      return inOrder.flatMap((effect, index) => {
        const previous = inOrder[index - 1];
        if (previous === undefined || effect.startedAt >= previous.endedAt) return [];
        return [
          `${nameOf(effect)} of key ${effect.key} by ${effect.member} began ${previous.endedAt - effect.startedAt} µs ` +
            `before ${nameOf(previous)} by ${previous.member} had ended`,
        ];
      });
    });
  }
}

function nameOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}:${offset}`;
}
