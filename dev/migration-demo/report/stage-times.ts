import type { AuditEntry } from '../migration-api.js';

export interface StageTime {
  readonly capability: string;
  /** Such as `live at 50 %`. */
  readonly stage: string;
  readonly seconds: number;
}

/** Returns how long each capability was in each stage, in the order in which the stages began. @param entries the oldest first */
export function stageTimes(entries: readonly AuditEntry[], end: Date): readonly StageTime[] {
  const changes = entries.filter(({ action }) => action === 'change' || action === 'rollback');
  return changes.flatMap(({ capability, to, at }, place) => {
    if (capability === undefined || to === undefined) return [];
    const next = changes.slice(place + 1).find((change) => change.capability === capability);
    const until = next === undefined ? end.getTime() : Date.parse(next.at);
    return [{ capability, stage: to, seconds: (until - Date.parse(at)) / 1_000 }];
  });
}
