import type { Client } from '../api/client.js';
import type { Confirmation } from '../dialogs/confirm-dialog.js';
import { plural } from '../text/figures.js';
import { selectionText, type RedrivePlan, type Selection } from './dead-letter.js';

/** The API's upper limit: with it, the dry run of a redrive counts every pending letter. */
const MAX_REDRIVES = 100;

/**
 * Returns the confirmation that discards dead letters, after it has counted them.
 * @param discarded receives the number of letters that were discarded
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
      return `${plural(letters + spent, 'pending letter')} will be discarded: they are not redriven any more, and listed as discarded. An order that was not saved because of one counts as discarded in a reconciliation. The records stay on the dead-letter topic. This can't be undone.`;
    },
    action: 'Discard letters',
    keep: 'Keep letters',
    run: async () =>
      discarded((await client.post<{ discarded: number }>('/v1/dead-letters/discard', selection)).discarded),
  };
}
