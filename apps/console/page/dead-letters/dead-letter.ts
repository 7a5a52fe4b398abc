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
  readonly state: string;
  readonly operationId: string | null;
  readonly index: number | null;
  readonly error: { readonly code: string; readonly message: string };
  readonly deadLetteredAt: string;
  readonly redrives: number;
  readonly tries: readonly { readonly redriveId: string; readonly at: string; readonly outcome: string | null }[];
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
  readonly decoded: Record<string, unknown> | null;
  readonly undecodable: { readonly code: string; readonly message: string } | null;
}

export interface RedrivePlan {
  readonly letters: number;
  readonly spent: number;
  readonly errors: readonly { readonly errorCode: string; readonly count: number }[];
}

/** Selects one dead letter, a group, or all. */
export type Selection = { readonly id: string } | { readonly errorCode: string } | { readonly all: true };

export function selectionText(selection: Selection): string {
  if ('id' in selection) return selection.id;
  return 'errorCode' in selection ? `all letters with error ${selection.errorCode}` : 'all pending letters';
}
