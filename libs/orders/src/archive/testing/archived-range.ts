import { archiveName } from '../archive-manifest.js';
import type { ArchivedRange } from '../archived-ranges.js';

/** Returns an archived range of a populate, for specs. @param change replaces fields; `first` is its first number */
export function archivedRange({
  first,
  last,
  ...change
}: Partial<Omit<ArchivedRange, '_id'>> & { readonly first: number; readonly last: number }): ArchivedRange {
  const at = new Date('2026-02-01T00:00:00Z');
  return {
    _id: first,
    last,
    operationId: '01935c9e-8a00-7000-8000-000000000001',
    kind: 'populate',
    from: 0,
    count: last - first + 1,
    discarded: 0,
    elsewhere: 0,
    savedAt: { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-01-02T00:00:00Z') },
    archive: archiveName({ first, last }),
    sha256: '0'.repeat(64),
    state: 'archived',
    positions: [],
    at,
    changedAt: at,
    ...change,
  };
}
