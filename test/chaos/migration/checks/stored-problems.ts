import type { WrittenOrder } from '../clients/written-orders.js';
import { storedOf } from './legacy-files.js';
import type { StoredOrder, StoredSide } from './stored-order.js';

/** What both sides have when no intent is open, and what was written. */
export interface StoredEvidence {
  readonly written: readonly WrittenOrder[];
  readonly legacy: StoredSide;
  readonly new: StoredSide;
  /** From this time on, writes may go to the new side only, in ms since the run began; `Infinity`: not yet. */
  readonly newOnlyFrom: number;
  /** Whether the new side must have all orders: the backfill has ended. */
  readonly isCopied: boolean;
  readonly offset: string;
}

/** Judges what both sides have: nothing lost, doubled, different, or invented. @returns what is wrong, one line each */
export function storedProblems(evidence: StoredEvidence): string[] {
  const { legacy, new: newSide } = evidence;
  return [
    ...doubles('legacy', legacy),
    ...doubles('new', newSide),
    ...lost(evidence),
    ...differences(evidence),
    ...invented(evidence),
  ];
}

function doubles(side: string, orders: StoredSide): string[] {
  const keys: [string, (order: StoredOrder) => string][] = [
    ['id', ({ id }) => id],
    ['number', ({ number }) => String(number)],
  ];
  const byKey = keys.flatMap(([name, keyOf]) =>
    repeated(orders.map(keyOf)).map((key) => `${side}: ${name} ${key} is there twice`),
  );
  const writes = orders.filter(isOfClient).map(writeOf);
  return [...byKey, ...repeated(writes).map((write) => `${side}: ${write} is there twice`)];
}

function repeated(keys: readonly string[]): string[] {
  const seen = new Set<string>();
  return keys.filter((key) => seen.size === seen.add(key).size);
}

/** Each acknowledged write must be there as it was acknowledged: on both sides, or on the side that had to have it. */
function lost({ written, legacy, new: newSide, newOnlyFrom, isCopied, offset }: StoredEvidence): string[] {
  const onLegacy = new Map(legacy.map((order) => [order.id, order]));
  const onNew = new Map(newSide.map((order) => [order.id, order]));
  return written.flatMap(({ acked, accountId, serial }) => {
    if (acked === undefined) return [];
    const wanted = storedOf(acked.record, offset);
    const problem = (side: string, found: StoredOrder | undefined): string[] => {
      const name = `${side}: the acknowledged write ${serial} of ${accountId}, order ${wanted.number} (${wanted.id}),`;
      if (found === undefined) return [`${name} is missing`];
      return isSame(found, wanted) ? [] : [`${name} is ${shown(found)} instead of ${shown(wanted)}`];
    };
    return [
      ...(acked.at < newOnlyFrom ? problem('legacy', onLegacy.get(wanted.id)) : []),
      ...(isCopied ? problem('new', onNew.get(wanted.id)) : []),
    ];
  });
}

/** Orders whose outcome no client knows must be on both sides or on neither, and equal. */
function differences({ written, legacy, new: newSide, newOnlyFrom, isCopied }: StoredEvidence): string[] {
  const onNew = new Map(newSide.map((order) => [order.id, order]));
  const onLegacy = new Set(legacy.map(({ id }) => id));
  const late = new Set(written.filter(({ begunAt }) => begunAt >= newOnlyFrom).map(keyOfWrite));
  const missing = isCopied ? legacy.filter(({ id }) => !onNew.has(id)) : [];
  const notOnLegacy = newSide.filter((order) => !onLegacy.has(order.id) && mustBeOnLegacy(order, late, newOnlyFrom));
  const different = legacy.filter((order) => {
    const other = onNew.get(order.id);
    return other !== undefined && !isSame(order, other);
  });
  return [
    ...missing.map((order) => `new: ${shown(order)} of the legacy system is missing`),
    ...notOnLegacy.map((order) => `legacy: ${shown(order)} of the new side is missing`),
    ...different.map((order) => `${shown(order)} differs from ${shown(onNew.get(order.id) ?? order)}`),
  ];
}

/** Writes without an outcome that were sent before the end of the legacy system may have been admitted after it. */
function mustBeOnLegacy(order: StoredOrder, late: ReadonlySet<string>, newOnlyFrom: number): boolean {
  return newOnlyFrom === Infinity && !late.has(writeOf(order));
}

function invented({ written, legacy, new: newSide }: StoredEvidence): string[] {
  const wanted = new Set(written.map(keyOfWrite));
  const ids = new Map(written.flatMap((order) => (order.id === undefined ? [] : [[keyOfWrite(order), order.id]])));
  const isInvented = (order: StoredOrder): boolean => {
    const key = writeOf(order);
    return isOfClient(order) && (!wanted.has(key) || (ids.get(key) ?? order.id) !== order.id);
  };
  return [
    ...legacy.filter(isInvented).map((order) => `legacy: ${shown(order)} was never written`),
    ...newSide.filter(isInvented).map((order) => `new: ${shown(order)} was never written`),
  ];
}

/** The accounts of the clients; the others are those of the populated orders, and of the run's own probes. */
function isOfClient({ accountId }: StoredOrder): boolean {
  return accountId.startsWith('client-');
}

function writeOf({ accountId, quantity }: StoredOrder): string {
  return `write ${quantity} of ${accountId}`;
}

function keyOfWrite({ accountId, serial }: WrittenOrder): string {
  return `write ${serial} of ${accountId}`;
}

function isSame(one: StoredOrder, other: StoredOrder): boolean {
  return shown(one) === shown(other);
}

function shown({ id, number, accountId, quantity, content }: StoredOrder): string {
  return `${number} ${id} ${accountId} ${quantity} ${content}`;
}
