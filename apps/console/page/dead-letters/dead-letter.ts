import type { DiscardResult, RedrivePlan, RedriveTry } from '#api/producer.js';
import type { Client } from '../client.js';
import type { Confirmation } from '../confirm-dialog.js';
import { plural } from '../figures.js';

/** Selects one dead letter, or the pending ones with an error, perhaps of one operation only. */
export type Selection = { readonly id: string } | { readonly errorCode: string; readonly operationId?: string };

export function selectionText(selection: Selection): string {
  if ('id' in selection) return selection.id;
  const { errorCode, operationId } = selection;
  return `all dead letters with error ${errorCode}${operationId === undefined ? '' : ` of operation ${operationId}`}`;
}

/** Returns when a record failed last: at its first failure, or when the latest redrive returned it. */
export function lastFailedAt(
  deadLetteredAt: string,
  tries: readonly Pick<RedriveTry, 'outcome' | 'endedAt'>[],
): string {
  return (
    tries.findLast(({ outcome, endedAt }) => outcome === 'returned' && endedAt !== null)?.endedAt ?? deadLetteredAt
  );
}

const NEW_RECORD = 'A redrive would fail again: the sender must send a new record. Then discard the old one.';

/** What repairs the cause of each error of the pipeline before a redrive, as in docs/own-orders.md. */
const REPAIRS: Readonly<Record<string, string>> = {
  'unknown-schema': 'Register the schema under its id, then redrive.',
  'schema-is-no-order': 'Deploy a version that can read the schema, then redrive.',
  oversized: 'Raise MAX_ORDER_BYTES, then redrive.',
  'refused-by-database': 'Change the rule that the message names, then redrive.',
  'attempt-abandoned': 'Find what hung, then redrive.',
  'order-archived': 'Bring the archive of the order back, then redrive.',
  conflict:
    'A redrive would fail again: no saved order is overwritten. Compare the record with the saved order, then discard it.',
  'empty-value': NEW_RECORD,
  'not-wire-format': NEW_RECORD,
  'malformed-avro': NEW_RECORD,
  'invalid-order': NEW_RECORD,
};

export function repairOf(errorCode: string): string {
  return REPAIRS[errorCode] ?? 'Fix the cause, then redrive.';
}

/** The events with which the list and the dialog of a dead letter request an action. Their detail is a `Selection`. */
export const LETTER_EVENTS = { redrive: 'redrive-letters', discard: 'discard-letters' } as const;

/** The API's upper limit: with it, the dry run of a redrive counts every pending dead letter. */
const MAX_REDRIVES = 100;

/**
 * Returns the confirmation that discards dead letters, after it has counted them.
 * @param discarded receives the number of dead letters that were discarded
 */
export function discardConfirmation(
  client: Client,
  selection: Selection,
  discarded: (count: number) => void,
): Confirmation {
  return {
    title: `Discard ${selectionText(selection)}?`,
    describe: async () => {
      const plan = { ...selection, maxRedrives: MAX_REDRIVES, dryRun: true };
      const { letters, spent } = await client.post<RedrivePlan>('/v1/dead-letters/redrive', plan);
      return `${plural(letters + spent, 'pending dead letter')} will be discarded: they are not redriven any more, and listed as discarded. An order that was not saved because of one counts as discarded in a reconciliation. The records stay on the dead-letter topic. This can't be undone.`;
    },
    action: 'Discard dead letters',
    keep: 'Keep dead letters',
    run: async () => discarded((await client.post<DiscardResult>('/v1/dead-letters/discard', selection)).discarded),
  };
}
