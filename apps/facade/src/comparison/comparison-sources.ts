import type { LegacyRead } from '../reads/legacy-read.js';
import type { LegacySide } from '../sides/legacy-side.js';
import type { NewReads } from '../sides/new-reads.js';
import { SideAwayError } from '../sides/side-away-error.js';
import type { WholeAnswer } from '../sides/side-connection.js';

/** Both sides, as comparisons ask them: over connections of their own. @throws SideAwayError */
export interface ComparisonSources {
  askLegacy(read: LegacyRead, signal: AbortSignal): Promise<WholeAnswer>;
  /** Returns the bodies of the query API: see `NewReads.bodies`. */
  askNew(read: LegacyRead, signal: AbortSignal): Promise<readonly Uint8Array<ArrayBuffer>[]>;
}

/** @param maxBytes a longer answer is not compared */
export function comparisonSources(legacy: LegacySide, newReads: NewReads, maxBytes: number): ComparisonSources {
  return {
    askLegacy: async (read, signal) => legacy.read(read, maxBytes, signal),
    askNew: async (read, signal) => {
      const bodies: Uint8Array<ArrayBuffer>[] = [];
      let length = 0;
      for await (const body of newReads.bodies(read, signal)) {
        bodies.push(body);
        length += body.length;
        // The query API names fields that the legacy system does not have, and so needs more bytes for the same orders.
        if (length > 2 * maxBytes) throw new SideAwayError('new', 'bad-answer', `more than ${2 * maxBytes} bytes`);
      }
      return bodies;
    },
  };
}
