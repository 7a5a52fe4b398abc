import { isEmitted, type EmittedDocument, type OperationDocument } from '#orders/operation.js';
import type { OperationFindings } from './operation-response.js';
import { PacedRead, type ReadBudget } from './paced-read.js';
import type { LetterCounts } from './order-outcomes.js';
import { SavedFigure, type ExactCount } from './saved-figure.js';

/** What the letters and the files of an operation show. For a redrive this includes `saved`; otherwise `SavedFigure` has it. */
export type RelatedFindings = Omit<OperationFindings, 'savedAsOf'> & { readonly asOf: Date };

export interface ProgressReads {
  readonly document: () => Promise<OperationDocument | null>;
  readonly related: (operation: OperationDocument) => Promise<RelatedFindings>;
  readonly exactCount: (operation: EmittedDocument) => Promise<ExactCount>;
  readonly now: () => Date;
  /** Receives the error of a read that no reader waits for. */
  readonly onTrouble: (error: unknown) => void;
}

/** One document by its id: a figure is about a second old at the most, also on a busy machine. */
const DOCUMENT_PAUSE_MS = 1_000;

/** An operation as it was read last, with what was found of it. */
export interface Progress {
  readonly operation: OperationDocument;
  readonly findings: OperationFindings;
}

interface ReadDocument {
  readonly operation: OperationDocument;
  readonly asOf: Date;
}

/**
 * The progress of one operation, for all its readers in this process. Each of its reads is paced, however many ask, and none happens
 * without a reader.
 */
export class OperationProgress {
  private readonly document: PacedRead<ReadDocument | null>;
  private related: { readonly stage: string; readonly read: PacedRead<RelatedFindings> } | undefined;
  private saved: SavedFigure | undefined;

  constructor(
    private readonly reads: ProgressReads,
    private readonly budget: ReadBudget,
  ) {
    this.document = new PacedRead(
      async () => {
        const asOf = reads.now();
        const operation = await reads.document();
        return operation === null ? null : { operation, asOf };
      },
      budget,
      DOCUMENT_PAUSE_MS,
    );
  }

  /** Takes an operation that the caller has just read or changed: readers see it at once. */
  set(operation: OperationDocument): void {
    this.document.set({ operation, asOf: this.reads.now() });
  }

  /** @returns `null` when there is no such operation */
  async read(): Promise<Progress | null> {
    const document = await this.document.get();
    if (document === null) return null;
    const { operation } = document;
    if (!isEmitted(operation)) {
      const { asOf, ...findings } = await this.getRelated(operation).get();
      return { operation, findings: { ...findings, savedAsOf: asOf.toISOString() } };
    }
    const figure = this.getSavedFigure(operation);
    figure.update(operation, document.asOf);
    const { asOf: _asOf, ...findings } = await this.getRelated(operation).get(figure.isQuiet);
    const { saved, savedAsOf } = await figure.current(toLetterCounts(findings));
    return { operation, findings: { ...findings, saved, savedAsOf: savedAsOf.toISOString() } };
  }

  /** Returns whether nothing of it can change any more. The letters of a redrive decide it; of any other, an exact count. */
  async isSettled({ operation, findings }: Progress): Promise<boolean> {
    if (isEmitted(operation)) return this.getSavedFigure(operation).isSettled(toLetterCounts(findings));
    if (operation.status === 'running' || operation.status === 'paused') return false;
    const { moved, saved, returned, missing } = findings.redrive ?? { moved: 0, saved: 0, returned: 0, missing: 0 };
    return saved + returned + missing >= moved;
  }

  /** At each stage they are read anew: figures from before an operation ended must not stand beside its end. */
  private getRelated(operation: OperationDocument): PacedRead<RelatedFindings> {
    const stage = `${operation.status}, ${operation.kind === 'import' && operation.reading !== null ? 'reading' : 'read'}`;
    if (this.related?.stage !== stage)
      this.related = { stage, read: new PacedRead(async () => this.reads.related(operation), this.budget) };
    return this.related.read;
  }

  private getSavedFigure(operation: EmittedDocument): SavedFigure {
    const { exactCount, onTrouble } = this.reads;
    this.saved ??= new SavedFigure(operation, exactCount, this.budget, onTrouble);
    return this.saved;
  }
}

function toLetterCounts({
  deadLettered,
  discarded,
}: Pick<OperationFindings, 'deadLettered' | 'discarded'>): LetterCounts {
  return { deadLettered: deadLettered ?? 0, discarded: discarded ?? 0 };
}
