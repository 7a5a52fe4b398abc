import { join } from 'node:path';
import type { FetchProgress } from '../../dev/parts/fetch-progress.js';
import { runClient } from '../../dev/parts/package-client.js';
import { installPart, type Part } from '../../dev/parts/part.js';

export const DEBIAN_RELEASE = 'bookworm';
/** ca-certificates for npm, and libcurl4 with its dependencies for mongod. */
const PACKAGES = 'ca-certificates,libcurl4';
const EXCLUDED = [
  './dev/*',
  './proc/*',
  './sys/*',
  './var/cache/apt/*',
  './var/lib/apt/lists/*',
  './usr/share/doc/*',
  './usr/share/man/*',
  './usr/share/locale/*',
];

/** Returns the base of all stand-ins, as an archive to import. */
export function debianArchive(part: Part): string {
  return join(part.directory, 'debian.tar');
}

/**
 * Builds a minimal Debian from its packages, since no image can be pulled. `workDirectory` belongs to the run, since an
 * interrupted debootstrap may leave mounts there.
 * @throws StackError `fetch-failed`
 */
export async function makeDebianBase(
  part: Part,
  workDirectory: string,
  progress: FetchProgress,
  signal: AbortSignal,
): Promise<void> {
  const fetching = `Debian ${DEBIAN_RELEASE}`;
  const client = (command: string, args: readonly string[]): Promise<void> =>
    runClient({ command, args, fetching, signal });
  await progress.during(`${fetching}, 90 MB, with debootstrap`, () =>
    installPart(part, async (directory) => {
      await client('debootstrap', ['--variant=minbase', `--include=${PACKAGES}`, DEBIAN_RELEASE, workDirectory]);
      const excludes = EXCLUDED.map((path) => `--exclude=${path}`);
      await client('tar', ['-C', workDirectory, ...excludes, '-cf', join(directory, 'debian.tar'), '.']);
    }),
  );
}
