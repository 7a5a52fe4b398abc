import { randomUUID } from 'node:crypto';
import type { GateCondition } from '../stages/gate.js';

/** What happened: `change` began, `done`, `abandoned` after its deadline, `refusal`, `rollback` by itself, `alert`, `hold`, `release`. */
export type AuditAction = 'change' | 'done' | 'abandoned' | 'refusal' | 'rollback' | 'alert' | 'hold' | 'release';

/** One line of the audit. Entries are only ever added. */
export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  /** The subject of the caller's token, `anonymous` without tokens, or `facade` for what it does by itself. */
  readonly by: string;
  readonly action: AuditAction;
  readonly reason: string;
  /** The revision of the state that the entry is about. */
  readonly revision: number;
  readonly capability?: string;
  readonly from?: string;
  readonly to?: string;
  readonly isForced?: boolean;
  /** The code of a refusal. */
  readonly code?: string;
  /** The gate as it was. */
  readonly gate?: readonly GateCondition[];
}

export function auditEntry(entry: Omit<AuditEntry, 'id'>): AuditEntry {
  return { id: randomUUID(), ...entry };
}
