import type { Mutant } from './mutant.js';

const RUN = 'archive/archive-run.ts';
const FILES = 'archive/piece-files.ts';
const BRING_BACK = 'archive/bring-back.ts';
const GUARD = 'save/archived-orders.ts';

/** Mutants of the commands that move orders to archives and back. */
export const ADMIN_ARCHIVE_MUTANTS: readonly Mutant[] = [
  {
    name: 'remove orders before their file is verified',
    file: FILES,
    replace: 'await verifyArchive(folder, manifest.name);',
    by: '',
  },
  {
    name: 'remove orders that MongoDB had changed since they were written',
    file: FILES,
    replace:
      'if (count !== manifest.count || documents.sha256 !== manifest.documents.sha256) throw this.differs(manifest);',
    by: '',
  },
  {
    name: 'archive orders that are not those of the settled block',
    file: FILES,
    replace: 'if (inspection.digest().equals(digest)) return;',
    by: 'return void [inspection, digest];',
  },
  {
    name: 'remove orders that are not listed',
    file: RUN,
    replace: 'await store.list(range);',
    by: '',
  },
  {
    name: 'remove orders while consumers work with an older list',
    file: RUN,
    replace: 'return at.getTime() + this.context.removeAfterMs - this.context.store.now().getTime();',
    by: 'return 0 * at.getTime();',
  },
  {
    name: 'leave orders that were saved again after they were archived',
    file: RUN,
    replace: "range.state === 'archived' && (await store.count(runsOf(range))) > 0",
    by: 'false',
  },
  {
    name: 'archive orders whose records the consumers may read again',
    file: RUN,
    replace: 'const behind = inspection.uncommitted(positions);',
    by: 'const behind = undefined;',
  },
  {
    name: 'bring orders back and forget the range in the list',
    file: BRING_BACK,
    replace: 'await store.unlist(range);',
    by: '',
  },
  {
    name: 'take a range from the list before its orders are compared',
    file: BRING_BACK,
    replace: 'await this.compare(range);',
    by: '',
  },
  {
    name: 'bring back an archive that is not verified',
    file: BRING_BACK,
    replace: 'await verifyArchiveOf(folder, range);',
    by: '',
  },
];

/** Mutants of a consumer that meets records of archived orders. */
export const CONSUMER_ARCHIVE_MUTANTS: readonly Mutant[] = [
  {
    name: 'save archived orders again: ignore the list',
    file: GUARD,
    replace: 'if (list.isEmpty) return insert(documents);',
    by: 'return insert(documents);',
  },
  {
    name: 'save with a list of archived orders that has aged during the check',
    file: GUARD,
    replace: 'list.ranges !== ranges || !list.isFresh()',
    by: 'list.ranges !== ranges',
  },
  {
    name: 'take a new record of an archived order for a replay',
    file: GUARD,
    replace: 'if (isReplay(range, ingest.partition, Number(ingest.offset))) return REPLAYED;',
    by: 'if (isReplay(range, ingest.partition, 0)) return REPLAYED;',
  },
  {
    name: 'look for archived orders by number only',
    file: GUARD,
    replace: 'await addById(documents, results, ids);',
    by: '',
  },
];

/** Mutants of what the query API does about archived orders. */
export const QUERY_ARCHIVE_MUTANTS: readonly Mutant[] = [
  {
    name: 'wait for archived orders: pages and the watermark ignore the list',
    file: 'orders/number-holes.ts',
    replace: 'return merged([...unused, ...removed]);',
    by: 'void removed;\n  return merged(unused);',
  },
  {
    name: 'add up archived orders: keep the rollups of full blocks',
    file: 'summary/rollup-keeper.ts',
    replace: "if (archived === 'some') return true;",
    by: "if (archived !== 'all') return kept !== size;",
    specs: 'summary/rollup-keeper',
  },
];
