import type { StoredOrder, StoredSide } from './stored-order.js';
import { CLIENT_ACCOUNTS, type WrittenOrder } from './written-orders.js';

/** What both sides have when no intent is open, and what they must have. */
export interface StoredEvidence {
  /** What the legacy system had before the journey. */
  readonly old: StoredSide;
  readonly written: readonly WrittenOrder[];
  /** Every other order that a client was answered. */
  readonly sighted: StoredSide;
  readonly legacy: StoredSide;
  readonly new: StoredSide;
  /** From this time on, writes may go to the new side only, by the clock of the journey's log; `Infinity`: not yet. */
  readonly newOnlyFrom: number;
  /** Whether the new side must have all orders: the backfill has ended. */
  readonly isCopied: boolean;
}

/** What is wrong, each case once, as a line of text. */
export interface StoredProblems {
  /** Orders that a client knows, or that were there before. */
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Orders that differ from the other side or from what was acknowledged, or that no client has written. */
  readonly differing: readonly string[];
  /** Orders of one side that the other must have, and that no client was acknowledged. */
  readonly onOneSide: readonly string[];
}

/** Judges what both sides have: nothing lost, doubled, different, or invented. Uses no code of the product. */
export function storedProblems(evidence: StoredEvidence): StoredProblems {
  const { legacy, new: newSide } = evidence;
  const wanted = wantedOrders(evidence);
  return {
    lost: unique(wanted.filter(({ found }) => found === undefined).map(({ name }) => `${name} is missing`)),
    doubled: unique([...doubles('legacy', legacy), ...doubles('new', newSide)]),
    differing: unique([
      ...wanted.flatMap(({ name, order, found }) =>
        found === undefined || found.text === order.text ? [] : [`${name} is ${found.text} instead of ${order.text}`],
      ),
      ...differences(evidence),
      ...invented(evidence),
    ]),
    onOneSide: unique(onOneSide(evidence)),
  };
}

interface Wanted {
  readonly name: string;
  readonly order: StoredOrder;
  readonly found: StoredOrder | undefined;
}

/** Each old, acknowledged and seen order must be there as it was: on both sides, or on the side that had to have it. */
function wantedOrders({
  old,
  written,
  sighted,
  legacy,
  new: newSide,
  newOnlyFrom,
  isCopied,
}: StoredEvidence): Wanted[] {
  const [onLegacy, onNew] = [byId(legacy), byId(newSide)];
  const acked = written.flatMap((order) => order.acked ?? []);
  const wantedOnLegacy = [...old, ...acked.filter(({ at }) => at < newOnlyFrom).map(({ order }) => order)];
  const wantedOnNew = isCopied ? [...old, ...acked.map(({ order }) => order), ...sighted] : [];
  return [
    ...wantedOnLegacy.map((order) => ({ name: nameOf('legacy', order), order, found: onLegacy.get(order.id) })),
    ...wantedOnNew.map((order) => ({ name: nameOf('new', order), order, found: onNew.get(order.id) })),
  ];
}

function nameOf(side: string, { number, id }: StoredOrder): string {
  return `${side}: the known order ${number} (${id})`;
}

function doubles(side: string, orders: StoredSide): string[] {
  const keys = [
    ...repeated(orders.map(({ id }) => `id ${id}`)),
    ...repeated(orders.map(({ number }) => `number ${number}`)),
    ...repeated(orders.filter(isOfClient).map(writeOf)),
  ];
  return keys.map((key) => `${side}: ${key} is there twice`);
}

function repeated(keys: readonly string[]): string[] {
  const seen = new Set<string>();
  return keys.filter((key) => seen.size === seen.add(key).size);
}

function differences({ legacy, new: newSide }: StoredEvidence): string[] {
  const onNew = byId(newSide);
  return legacy.flatMap((order) => {
    const other = onNew.get(order.id) ?? order;
    return other.text === order.text ? [] : [`legacy: ${order.text}, new: ${other.text}`];
  });
}

/** Orders whose outcome no client knows must be on both sides or on neither. */
function onOneSide({ legacy, new: newSide, newOnlyFrom, isCopied }: StoredEvidence): string[] {
  const [onLegacy, onNew] = [byId(legacy), byId(newSide)];
  // Writes without an outcome that were sent before the end of the legacy system may have been admitted after it.
  const notOnLegacy = newOnlyFrom === Infinity ? newSide.filter(({ id }) => !onLegacy.has(id)) : [];
  const notOnNew = isCopied ? legacy.filter(({ id }) => !onNew.has(id)) : [];
  return [
    ...notOnNew.map(({ text }) => `only on the legacy system: ${text}`),
    ...notOnLegacy.map(({ text }) => `only on the new side: ${text}`),
  ];
}

function invented({ written, legacy, new: newSide }: StoredEvidence): string[] {
  const writes = new Map(written.map((order) => [`write ${order.serial} of ${order.accountId}`, order]));
  const isInvented = (order: StoredOrder): boolean => {
    const write = writes.get(writeOf(order));
    return isOfClient(order) && (write === undefined || (write.id ?? order.id) !== order.id);
  };
  return [
    ...legacy.filter(isInvented).map(({ text }) => `legacy: ${text} was never written`),
    ...newSide.filter(isInvented).map(({ text }) => `new: ${text} was never written`),
  ];
}

function byId(side: StoredSide): ReadonlyMap<string, StoredOrder> {
  return new Map(side.map((order) => [order.id, order]));
}

function isOfClient({ accountId }: StoredOrder): boolean {
  return accountId.startsWith(CLIENT_ACCOUNTS);
}

function writeOf({ accountId, quantity }: StoredOrder): string {
  return `write ${quantity} of ${accountId}`;
}

function unique(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}
