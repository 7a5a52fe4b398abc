// The worker thread of `ThreadedComparer`.
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { ComparerTask } from './comparer.js';
import { differencesOf, type Difference } from './differences.js';

const zones = new Map<string, LegacyTimeZone>();

export default function compare({ pair, zone: name }: ComparerTask): readonly Difference[] {
  const zone = zones.get(name) ?? new LegacyTimeZone(name);
  zones.set(name, zone);
  return differencesOf(pair, zone);
}
