import type { Db } from 'mongodb';
import { ArchivedList } from '#orders/archive/archived-list.js';
import type { ArchivedRange } from '#orders/archive/archived-ranges.js';
import type { SettledBlock } from '#orders/settled/settled-blocks.js';

/** The archived blocks of one operation, as they were listed when the check began. */
export class ArchivedOrders {
  private constructor(private readonly ranges: readonly ArchivedRange[]) {}

  static async of(db: Db, operationId: string): Promise<ArchivedOrders> {
    const list = await ArchivedList.of(db).fresh();
    return new ArchivedOrders(list.rangesOf(operationId));
  }

  /** Returns the listed range of a settled block: only whole settled blocks are archived. `undefined`: its orders are in MongoDB. */
  rangeOf({ first }: Pick<SettledBlock, 'first'>): ArchivedRange | undefined {
    return this.ranges.find(({ _id }) => _id === first);
  }

  /**
   * Whether other ranges are listed now. Orders may have been removed meanwhile, which then seem to be missing: ranges are listed for some
   * seconds before their orders are removed.
   */
  async haveChanged(db: Db, operationId: string): Promise<boolean> {
    const now = await ArchivedOrders.of(db, operationId);
    const names = ({ ranges }: ArchivedOrders): string =>
      ranges.map(({ archive, at }) => `${archive} ${at.getTime()}`).join();
    return names(now) !== names(this);
  }
}
