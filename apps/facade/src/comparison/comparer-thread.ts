// The worker thread of `ThreadedComparer`.
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { ComparerTask } from './comparer.js';
import { differencesOf, type Difference } from './differences.js';

let zone: LegacyTimeZone | undefined;

export default function compare({ pair, zone: name }: ComparerTask): readonly Difference[] {
  zone ??= new LegacyTimeZone(name);
  return differencesOf(pair, zone);
}
