import { UUID } from 'mongodb';
import { ArchiveError, type ArchiveManifest } from '#orders/archive/archive-manifest.js';
import { type ArchiveFolder, requireManifest, verifyArchive, verifyArchiveOf } from '#orders/archive/archive-folder.js';
import type { ArchivedRange, ArchivedState } from '#orders/archive/archived-ranges.js';
import { fromDocument } from '#orders/order/order-document.js';
import { createOrderIds } from '#orders/order/order.js';
import { orderResponse } from '#orders/order/order-response.js';
import { idIn, numberOf, readStored } from '#reconcile/stored-content.js';
import { figure } from '../environment.js';

/** What all ids of a populate have in common. */
const PREFIX_LENGTH = 24;

/** An archive as `archive list` shows it. */
export interface ListedArchive {
  readonly name: string;
  /** `unlisted`: it is in the folder only, because its orders were brought back, or are those of another database. */
  readonly state: ArchivedState | 'unlisted';
  readonly operation: string;
  readonly kind: string;
  readonly first: number;
  readonly last: number;
  readonly orders: number;
  readonly savedFrom: string;
  readonly savedTo: string;
  /** `unknown` without a folder, `there` without `--verify`. */
  readonly file: 'unknown' | 'there' | 'intact' | 'missing' | 'damaged';
  /** What is wrong with the file. */
  readonly problem?: string;
}

/** Lists archived ranges by number, and then the archives of the folder that are not among them. */
export async function listArchives(
  ranges: readonly ArchivedRange[],
  folder: ArchiveFolder | undefined,
  verify: boolean,
): Promise<ListedArchive[]> {
  const listed: ListedArchive[] = [];
  for (const range of ranges) listed.push({ ...rowOf(range), ...(await fileOf(range, folder, verify)) });
  const known = new Set(ranges.map(({ archive }) => archive));
  for (const name of (await folder?.names()) ?? [])
    if (folder && !known.has(name)) listed.push(await unlisted(folder, name));
  return listed;
}

/** Formats the list, one line an archive. */
export function formatArchives(archives: readonly ListedArchive[]): string[] {
  if (archives.length === 0) return ['Nothing is archived.'];
  const total = archives.filter(({ state }) => state !== 'unlisted').reduce((sum, { orders }) => sum + orders, 0);
  return [
    ...archives.map(
      ({ name, state, operation, kind, orders, savedFrom, savedTo, file, problem }) =>
        `${name}  ${state.padEnd(9)} ${figure(orders).padStart(9)} orders of ${kind} ${operation}, saved ${savedFrom} to ${savedTo}, file ${file}${problem === undefined ? '' : `: ${problem}`}`,
    ),
    `${figure(total)} orders are archived`,
  ];
}

function rowOf(range: ArchivedRange): Omit<ListedArchive, 'file'> {
  const { archive, state, operationId, kind, _id, last, count, savedAt } = range;
  return {
    name: archive,
    state,
    operation: operationId,
    kind,
    first: _id,
    last,
    orders: count,
    savedFrom: savedAt.from.toISOString(),
    savedTo: savedAt.to.toISOString(),
  };
}

async function fileOf(
  range: ArchivedRange,
  folder: ArchiveFolder | undefined,
  verify: boolean,
): Promise<Pick<ListedArchive, 'file' | 'problem'>> {
  if (folder === undefined) return { file: 'unknown' };
  try {
    if (verify) await verifyArchiveOf(folder, range);
    else await requireManifest(folder, range.archive);
    return { file: verify ? 'intact' : 'there' };
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    return { file: error.code === 'archive-missing' ? 'missing' : 'damaged', problem: error.message };
  }
}

async function unlisted(folder: ArchiveFolder, name: string): Promise<ListedArchive> {
  const { operation, first, last, count, savedAt } = await requireManifest(folder, name);
  const { id, kind } = operation;
  const saved = { savedFrom: savedAt.from, savedTo: savedAt.to };
  return { name, state: 'unlisted', operation: id, kind, first, last, orders: count, ...saved, file: 'there' };
}

/** Which archived orders to read: one by its id, or all of a range of numbers. */
export type Wanted = { readonly id: string } | { readonly from: number; readonly to: number };

/**
 * Prints archived orders as lines of JSON, like the export of the query API. It needs neither MongoDB nor Kafka.
 * @returns how many it has printed
 * @throws ArchiveError `archive-damaged`, also after orders of the archive were printed: its hash is known at its end
 */
export async function readArchived(
  folder: ArchiveFolder,
  wanted: Wanted,
  print: (line: string) => void,
): Promise<number> {
  const isWanted = matcherOf(wanted);
  let printed = 0;
  for (const name of await archivesWith(folder, wanted))
    await verifyArchive(folder, name, (documents) => {
      const lines = documents
        .filter(isWanted)
        .map((each) => JSON.stringify(orderResponse(fromDocument(readStored(each)))));
      if (lines.length > 0) print(lines.join('\n'));
      printed += lines.length;
    });
  return printed;
}

function matcherOf(wanted: Wanted): (document: Buffer) => boolean {
  if ('id' in wanted) {
    const bytes = Buffer.from(new UUID(wanted.id).buffer);
    return (document) => idIn(document).equals(bytes);
  }
  return (document) => {
    const number = numberOf(document) ?? Number(readStored(document).number);
    return number >= wanted.from && number <= wanted.to;
  };
}

/** Returns the names of the archives that may have the orders. An id that no populate has made can be in any other archive. */
async function archivesWith(folder: ArchiveFolder, wanted: Wanted): Promise<string[]> {
  const manifests: ArchiveManifest[] = [];
  for (const name of await folder.names()) {
    const manifest = await folder.manifest(name);
    if (manifest !== undefined) manifests.push(manifest);
  }
  if (manifests.length === 0) throw new ArchiveError('archive-missing', `${folder.path} has no archives.`);
  const chosen = 'id' in wanted ? withId(manifests, wanted.id) : manifests.filter((each) => overlaps(each, wanted));
  return chosen.map(({ name }) => name);
}

function overlaps(
  { first, last }: ArchiveManifest,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  return first <= to && last >= from;
}

function withId(manifests: readonly ArchiveManifest[], id: string): ArchiveManifest[] {
  const made = manifests.filter(
    ({ operation }) =>
      operation.kind === 'populate' && createOrderIds(operation.id)(0).startsWith(id.slice(0, PREFIX_LENGTH)),
  );
  if (made.length === 0) return manifests.filter(({ operation }) => operation.kind !== 'populate');
  const index = Number.parseInt(id.slice(PREFIX_LENGTH), 16);
  return made.filter(({ from, first, last }) => index >= from && index <= from + last - first);
}
