import { DISK_FAULTS } from './disk-faults.js';
import type { FaultKind } from './fault.js';
import { GROUP_FAULTS } from './group-faults.js';
import { KAFKA_FAULTS } from './kafka-faults.js';
import { LINK_FAULTS } from './link-faults.js';
import { PROCESS_FAULTS } from './process-faults.js';
import { ROLLING_RESTARTS } from './rolling-restarts.js';

/** All kinds of faults. */
export const FAULT_KINDS: readonly FaultKind[] = [
  ...PROCESS_FAULTS,
  ...LINK_FAULTS,
  ...GROUP_FAULTS,
  ...ROLLING_RESTARTS,
  ...KAFKA_FAULTS,
  ...DISK_FAULTS,
];
