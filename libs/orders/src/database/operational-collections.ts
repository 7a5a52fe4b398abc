/**
 * Collections that a backup leaves out: what running processes say about themselves, which no longer runs after a restore, and what the
 * services compute again.
 */
export const OPERATIONAL_COLLECTIONS: ReadonlySet<string> = new Set([
  'adminLocks',
  'autoscaler',
  'autoscalerDecisions',
  'consumers',
  'migrationInstances',
  'migrationLeases',
  'restores',
  'summaryRollups',
]);
