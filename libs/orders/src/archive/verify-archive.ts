import { ArchiveError } from './archive-error.js';
import type { FileDigest } from './archive-file.js';
import type { ArchiveFolder } from './archive-folder.js';
import { WHAT_TO_DO, type ArchiveManifest } from './archive-manifest.js';
import type { ArchivedRange } from './archived-ranges.js';

/** Returns the manifest of an archive. @throws ArchiveError `archive-missing`, `archive-newer`, `archive-damaged` */
export async function requireManifest(folder: ArchiveFolder, name: string): Promise<ArchiveManifest> {
  const manifest = await folder.manifest(name);
  if (manifest !== undefined) return manifest;
  throw new ArchiveError('archive-missing', `${folder.path} has no manifest of ${name}. ${WHAT_TO_DO}`);
}

/**
 * Reads an archive and compares its bytes with its manifest.
 * @param onDocuments receives all documents, before the comparison
 * @throws ArchiveError `archive-missing`, `archive-newer`, `archive-damaged`
 */
export async function verifyArchive(
  folder: ArchiveFolder,
  name: string,
  onDocuments: (documents: readonly Buffer[]) => Promise<void> | void = () => undefined,
): Promise<ArchiveManifest> {
  const manifest = await requireManifest(folder, name);
  let digest: FileDigest | undefined;
  for await (const documents of folder.read(name, (found) => (digest = found))) await onDocuments(documents);
  const same =
    digest?.count === manifest.count &&
    digest.documents.sha256 === manifest.documents.sha256 &&
    digest.file.sha256 === manifest.file.sha256;
  if (same) return manifest;
  throw new ArchiveError(
    'archive-damaged',
    `The file of ${name} was altered: it has ${digest?.count ?? 0} orders and SHA-256 ${digest?.file.sha256}, its manifest says ${manifest.count} and ${manifest.file.sha256}. ${WHAT_TO_DO}`,
  );
}

/**
 * Verifies an archive, and that it is the one in the list of archived ranges.
 * @param onDocuments as that of `verifyArchive`
 * @throws ArchiveError as `verifyArchive`, or `archive-differs`
 */
export async function verifyArchiveOf(
  folder: ArchiveFolder,
  range: ArchivedRange,
  onDocuments?: (documents: readonly Buffer[]) => void,
): Promise<ArchiveManifest> {
  const manifest = await verifyArchive(folder, range.archive, onDocuments);
  if (manifest.documents.sha256 === range.sha256 && manifest.first === range._id) return manifest;
  throw new ArchiveError(
    'archive-differs',
    `The archive ${range.archive} in ${folder.path} has other orders than those that were archived: SHA-256 ${manifest.documents.sha256}, expected ${range.sha256}. ${WHAT_TO_DO}`,
  );
}
