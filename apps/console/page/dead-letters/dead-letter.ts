/** The fields of a group of dead letters that the page needs, as the producer returns them. */
export interface DeadLetterGroup {
  readonly errorCode: string;
  readonly count: number;
  readonly redriven: number;
  readonly lastAt: string;
  readonly example: { readonly id: string; readonly message: string };
}

export interface DeadLetterItem {
  readonly id: string;
  readonly state: 'pending' | 'redriving' | 'saved' | 'discarded';
  readonly operationId: string | null;
  /** The index of the record in its operation, from 0. */
  readonly index: number | null;
  /** The number of the record's order; `null` if its operation is unknown. */
  readonly number: number | null;
  readonly error: { readonly code: string; readonly message: string };
  readonly deadLetteredAt: string;
  readonly redrives: number;
  readonly tries: readonly RedriveTry[];
}

/** One redrive of a letter. `outcome` is `null` until it is known. */
export interface RedriveTry {
  readonly redriveId: string;
  readonly at: string;
  readonly outcome: 'saved' | 'returned' | 'unmovable' | 'missing' | null;
  readonly endedAt: string | null;
}

export interface DeadLettersPage {
  readonly items: readonly DeadLetterItem[];
  readonly page: { readonly next?: string };
}

interface Bytes {
  readonly size: number;
  readonly base64: string;
  readonly text: string | null;
}

export interface DeadLetter extends DeadLetterItem {
  readonly gone: 'letter-gone' | 'value-gone' | null;
  readonly record: {
    readonly timestamp: string;
    readonly key: Bytes | null;
    readonly value: Bytes | null;
    readonly headers: readonly { readonly name: string; readonly value: Bytes }[];
  } | null;
  readonly decoded: Readonly<Record<string, unknown>> | null;
  readonly undecodable: { readonly code: string; readonly message: string } | null;
}

export interface RedrivePlan {
  readonly letters: number;
  readonly spent: number;
  readonly errors: readonly { readonly errorCode: string; readonly count: number }[];
}

/** Selects one dead letter, or the pending ones with an error, perhaps of one operation only. */
export type Selection = { readonly id: string } | { readonly errorCode: string; readonly operationId?: string };

export function selectionText(selection: Selection): string {
  if ('id' in selection) return selection.id;
  const { errorCode, operationId } = selection;
  return `all letters with error ${errorCode}${operationId === undefined ? '' : ` of operation ${operationId}`}`;
}

/** Returns when a record failed last: at its first failure, or when the latest redrive returned it. */
export function lastFailedAt({ deadLetteredAt, tries }: Pick<DeadLetterItem, 'deadLetteredAt' | 'tries'>): string {
  return (
    tries.findLast(({ outcome, endedAt }) => outcome === 'returned' && endedAt !== null)?.endedAt ?? deadLetteredAt
  );
}
