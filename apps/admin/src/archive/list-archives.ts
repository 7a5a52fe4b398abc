import { ArchiveError } from '#orders/archive/archive-manifest.js';
import { type ArchiveFolder, requireManifest, verifyArchiveOf } from '#orders/archive/archive-folder.js';
import type { ArchivedRange, ArchivedState } from '#orders/archive/archived-ranges.js';

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

function figure(value: number): string {
  return value.toLocaleString('en-US');
}
