import { UUID, type Collection, type Db } from 'mongodb';
import { createOrderIds } from '../order/order.js';
import { type ArchivedList, runsOf, type ArchivedRange } from './archived-ranges.js';

/**
 * The id of an archived order that no generator makes again, such as that of an import. Those of a populate follow from its operation and
 * are not stored.
 */
export interface ArchivedId {
  readonly _id: UUID;
  /** The first number of its range. */
  readonly first: number;
}

export function archivedIdsCollection(db: Db): Collection<ArchivedId> {
  return db.collection<ArchivedId>('archivedOrderIds');
}

/** Whether the ids of a range's orders are stored in `archivedOrderIds`. */
export function storesIds({ kind }: Pick<ArchivedRange, 'kind'>): boolean {
  return kind !== 'populate';
}

/** Returns those ids that are stored, with the first numbers of their ranges. */
export type StoredArchivedIds = (ids: readonly string[]) => Promise<readonly ArchivedId[]>;

/** The length of what all ids of a populate have in common; 12 hexadecimal digits follow, the index. */
const PREFIX_LENGTH = 24;
const INDEX_DIGITS = /^[0-9a-f]{12}$/;

/** Finds out whether orders are archived, by their ids. It reads nothing while nothing is archived. */
export class ArchivedIds {
  /** What the ids of populates begin with, for the ranges of the list that it was made from. */
  private generated:
    | { readonly of: readonly ArchivedRange[]; readonly ranges: Map<string, ArchivedRange[]> }
    | undefined;

  constructor(
    private readonly list: ArchivedList,
    private readonly stored: StoredArchivedIds,
  ) {}

  static of(db: Db, list: ArchivedList): ArchivedIds {
    return new ArchivedIds(list, async (ids) =>
      archivedIdsCollection(db)
        .find({ _id: { $in: ids.map((id) => new UUID(id)) } }, { readConcern: { level: 'majority' } })
        .toArray(),
    );
  }

  /**
   * Returns the ranges of those orders that are archived, by id.
   * @param ids in lower case
   */
  async find(ids: readonly string[]): Promise<Map<string, ArchivedRange>> {
    const found = new Map<string, ArchivedRange>();
    const { ranges, isEmpty } = await this.list.fresh();
    if (isEmpty || ids.length === 0) return found;
    const generated = this.generatedFrom(ranges);
    const others: string[] = [];
    for (const id of ids) {
      const candidates = generated.get(id.slice(0, PREFIX_LENGTH));
      if (candidates === undefined) others.push(id);
      else addOwn(found, id, candidates);
    }
    if (others.length === 0 || !ranges.some(storesIds)) return found;
    const byFirst = new Map(ranges.map((range) => [range._id, range]));
    for (const { _id, first } of await this.stored(others)) {
      const range = byFirst.get(first);
      if (range !== undefined) found.set(_id.toHexString(), range);
    }
    return found;
  }

  private generatedFrom(ranges: readonly ArchivedRange[]): ReadonlyMap<string, readonly ArchivedRange[]> {
    if (this.generated?.of !== ranges) this.generated = { of: ranges, ranges: generatedRanges(ranges) };
    return this.generated.ranges;
  }
}

/** Returns the ranges of populates, by what their orders' ids begin with. */
function generatedRanges(ranges: readonly ArchivedRange[]): Map<string, ArchivedRange[]> {
  const byOperation = new Map<string, ArchivedRange[]>();
  for (const range of ranges) {
    if (storesIds(range)) continue;
    const own = byOperation.get(range.operationId);
    if (own === undefined) byOperation.set(range.operationId, [range]);
    else own.push(range);
  }
  return new Map(
    [...byOperation].map(([operationId, own]) => [createOrderIds(operationId)(0).slice(0, PREFIX_LENGTH), own]),
  );
}

function addOwn(found: Map<string, ArchivedRange>, id: string, ranges: readonly ArchivedRange[]): void {
  const digits = id.slice(PREFIX_LENGTH);
  if (!INDEX_DIGITS.test(digits)) return;
  const index = Number.parseInt(digits, 16);
  // The numbers of a populate follow its indexes. Those that were never acknowledged are in no run.
  const range = ranges.find((each) => {
    const number = each._id + index - each.from;
    return runsOf(each).some(({ first, last }) => first <= number && number <= last);
  });
  if (range !== undefined) found.set(id, range);
}
