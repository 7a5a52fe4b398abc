import { Piscina } from 'piscina';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { areSame, differencesOf, type AnswerPair, type Difference } from './differences.js';

/** What a worker thread gets. */
export interface ComparerTask {
  readonly pair: AnswerPair;
  readonly zone: string;
}

/** Below this, a comparison takes less than a millisecond, less than messages to another thread and back. */
const INLINE_BYTES = 8 * 1024;
const IDLE_MS = 30_000;
const MEMORY_MIB = 256;

/**
 * Compares small answers at once, and larger ones on a thread of its own: a page of 1,000 orders takes some 30 ms, for which all
 * clients would wait.
 */
export class ThreadedComparer {
  private readonly zone: LegacyTimeZone;
  private threads: Piscina | undefined;

  constructor(private readonly zoneName: string) {
    this.zone = new LegacyTimeZone(zoneName);
  }

  async compare(pair: AnswerPair): Promise<readonly Difference[]> {
    if (areSame(pair)) return [];
    const parts = bytesOf(pair);
    if (parts.reduce((sum, { byteLength }) => sum + byteLength, 0) <= INLINE_BYTES)
      return differencesOf(pair, this.zone);
    const task: ComparerTask = { pair, zone: this.zoneName };
    return (await this.running.run(task)) as readonly Difference[];
  }

  async close(): Promise<void> {
    await this.threads?.destroy();
  }

  private get running(): Piscina {
    return (this.threads ??= new Piscina({
      filename: new URL('comparer-thread.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: IDLE_MS,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB },
    }));
  }
}

function bytesOf({ legacy, new: other }: AnswerPair): Uint8Array[] {
  return [legacy.bytes, ...('bodies' in other ? other.bodies : [other.bytes])];
}
