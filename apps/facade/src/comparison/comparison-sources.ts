import type { LegacyRead } from '../sides/legacy-read.js';
import type { SidePair } from '../sides/sides.js';
import { SideAwayError } from '../sides/side-away-error.js';
import type { WholeAnswer } from '../sides/side-connection.js';

/** A longer answer is not compared: verify compares whole systems in constant memory. */
export const MAX_COMPARED_BYTES = 4 * 1024 * 1024;

/** Both sides, as comparisons ask them: over connections of their own. @throws SideAwayError */
export interface ComparisonSources {
  askLegacy(read: LegacyRead, signal: AbortSignal): Promise<WholeAnswer>;
  /** Returns the bodies of the query API: see `NewReads.bodies`. */
  askNew(read: LegacyRead, signal: AbortSignal): Promise<readonly Uint8Array<ArrayBuffer>[]>;
}

/** @param sides the connections for comparisons */
export function comparisonSources({ legacy, newReads }: Pick<SidePair, 'legacy' | 'newReads'>): ComparisonSources {
  return {
    askLegacy: async (read, signal) => legacy.read(read, MAX_COMPARED_BYTES, signal),
    askNew: async (read, signal) => {
      const bodies: Uint8Array<ArrayBuffer>[] = [];
      let length = 0;
      for await (const body of newReads.bodies(read, signal)) {
        bodies.push(body);
        length += body.length;
        // The query API names fields that the legacy system does not have, and so needs more bytes for the same orders.
        if (length > 2 * MAX_COMPARED_BYTES)
          throw new SideAwayError('new', 'bad-answer', `more than ${2 * MAX_COMPARED_BYTES} bytes`);
      }
      return bodies;
    },
  };
}
