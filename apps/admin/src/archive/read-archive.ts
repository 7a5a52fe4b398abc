import { UUID } from 'mongodb';
import { ArchiveError, type ArchiveManifest } from '#orders/archive/archive-manifest.js';
import { type ArchiveFolder, verifyArchive } from '#orders/archive/archive-folder.js';
import { fromDocument } from '#orders/order/order-document.js';
import { createOrderIds } from '#orders/order/order.js';
import { orderResponse } from '#orders/order/order-response.js';
import { idIn, numberOf, readStored } from '#reconcile/stored-content.js';

/** Which archived orders to read: one by its id, or all of a range of numbers. */
export type Wanted = { readonly id: string } | { readonly from: number; readonly to: number };

/** What all ids of a populate have in common. */
const PREFIX_LENGTH = 24;

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
