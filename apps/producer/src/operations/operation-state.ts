import { z } from 'zod';

/** Where an operation is, including the saves: `status` is only about the emission. */
export const OperationStateSchema = z
  .object({
    code: z
      .enum([
        'reading',
        'receiving',
        'sending',
        'paused',
        'saving',
        'allSaved',
        'partlySaved',
        'noneSaved',
        'nothingSent',
        'failed',
      ])
      .describe(
        '`reading`: an import reads its files. `receiving`: an intake takes more orders. `sending`: some records are not sent yet. `saving`: all records are sent, some are not saved yet. `allSaved`, `partlySaved`, `noneSaved`: the result of each sent record is known. `nothingSent`: there was nothing to send. A cancelled operation is `saving` and then one of these four.',
      ),
    text: z
      .string()
      .describe('The same in words, with figures, for people.')
      .meta({ examples: ['sent, saving 22 %'] }),
  })
  .meta({ title: 'OperationState' });

export type OperationState = z.infer<typeof OperationStateSchema>;

/** The fields of an operation that its state depends on. */
export interface StatedOperation {
  readonly kind: string;
  readonly status: string;
  readonly count: number | null;
  readonly acked: number;
  readonly saved: number | null;
  readonly archived: number | null;
  readonly deadLettered: number | null;
  readonly discarded: number | null;
  readonly redrive: Readonly<Record<'moved' | 'saved' | 'returned' | 'missing' | 'unmovable', number>> | null;
  readonly error: { readonly message: string } | null;
  readonly waitingFor: string | null;
}

/** What became of the records that were sent. */
interface Results {
  readonly sent: number;
  readonly saved: number;
  /** The records that will not be saved, in words. */
  readonly unsaved: readonly (readonly [count: number, what: string])[];
}

/** Returns where an operation is, and how many of its orders are archived. Percentages are rounded down, so that only 100 % is complete. */
export function operationState(operation: StatedOperation): OperationState {
  const { code, text } = stateBefore(operation);
  return { code, text: operation.archived ? `${text}, ${grouped(operation.archived)} archived` : text };
}

/** Returns the state regardless of what was archived afterwards. */
function stateBefore(operation: StatedOperation): OperationState {
  const { kind, status, count, error, waitingFor } = operation;
  if (status === 'failed') return { code: 'failed', text: `failed: ${error?.message ?? 'unknown reason'}` };
  if (count === null) return { code: 'reading', text: 'reading the files' };
  const results = resultsOf(operation);
  if (kind === 'intake' && status === 'running') {
    const { text } = savedState(results, 'all');
    return { code: 'receiving', text: results.sent === 0 ? 'receiving orders' : `receiving orders, ${text}` };
  }
  const sent = percent(results.sent, count);
  if (status === 'running' && (results.sent < count || results.sent === 0)) {
    const saved = results.sent === 0 ? '' : `, ${savedState(results, 'all of it').text}`;
    return { code: 'sending', text: `sending ${sent}${saved}${waitingFor ? `, waiting for the ${waitingFor}` : ''}` };
  }
  if (status === 'paused')
    return { code: 'paused', text: `paused at ${sent}, ${savedState(results, 'all of it').text}` };
  if (status === 'cancelled') {
    const { code, text } = savedState(results, 'all of it');
    return { code, text: `cancelled at ${sent}, ${text}` };
  }
  const { code, text } = savedState(results, 'all');
  return { code, text: code === 'saving' ? `sent, ${text}` : text };
}

function resultsOf({ acked, saved, deadLettered, discarded, redrive }: StatedOperation): Results {
  if (redrive === null) {
    const unsaved = [
      [deadLettered ?? 0, 'dead-lettered'],
      [discarded ?? 0, 'discarded'],
    ] as const;
    return { sent: acked, saved: saved ?? 0, unsaved };
  }
  const unsaved = [
    [redrive.returned, 'dead-lettered again'],
    [redrive.missing, 'missing'],
    [redrive.unmovable, 'not movable'],
  ] as const;
  // Letters that can't be moved are not sent, but their result is known.
  return { sent: redrive.moved + redrive.unmovable, saved: redrive.saved, unsaved };
}

function savedState({ sent, saved, unsaved }: Results, all: string): OperationState {
  const ended = unsaved.reduce((sum, [count]) => sum + count, saved);
  if (ended < sent) return { code: 'saving', text: `saving ${percent(saved, sent)}` };
  if (sent === 0) return { code: 'nothingSent', text: 'nothing sent' };
  if (saved >= sent) return { code: 'allSaved', text: `${all} saved` };
  const others = unsaved.filter(([count]) => count > 0).map(([count, what]) => `${grouped(count)} ${what}`);
  if (saved === 0) return { code: 'noneSaved', text: `none saved: ${others.join(', ')}` };
  return { code: 'partlySaved', text: `${grouped(saved)} of ${grouped(sent)} saved, ${others.join(', ')}` };
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${Math.floor((100 * part) / whole)} %`;
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
