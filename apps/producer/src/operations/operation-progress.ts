import { hasOrders, type OrdersDocument, type OperationDocument } from '#orders/operation/operation.js';
import type { OperationFindings } from './operation-response.js';
import { PacedRead, type ReadBudget } from './paced-read.js';
import type { LetterCounts } from './order-outcomes.js';
import { SavedFigure, type ExactCount } from './saved-figure.js';

/** Findings from the dead letters and files of an operation. For a redrive they include `saved`; otherwise `SavedFigure` has it. */
export type RelatedFindings = Omit<OperationFindings, 'savedAsOf'> & { readonly asOf: Date };

export interface ProgressReads {
  readonly document: () => Promise<OperationDocument | null>;
  readonly related: (operation: OperationDocument) => Promise<RelatedFindings>;
  readonly exactCount: (operation: OrdersDocument) => Promise<ExactCount>;
  readonly now: () => Date;
  /** Receives errors of background reads. */
  readonly onError: (error: unknown) => void;
}

/** Maximum pause between reads of the document, in ms. A lookup by id is cheap, so figures are at most about a second old. */
const DOCUMENT_PAUSE_MS = 1_000;

/** The last read state of an operation, with its findings. */
export interface Progress {
  readonly operation: OperationDocument;
  readonly findings: OperationFindings;
}

interface ReadDocument {
  readonly operation: OperationDocument;
  readonly asOf: Date;
}

/**
 * The progress of one operation, shared by all its readers in this process. Each of its reads is paced, independent of the number
 * of readers. Without readers there are no reads.
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

  /** Sets an operation that the caller has just read or changed; readers get it at once. */
  set(operation: OperationDocument): void {
    this.document.set({ operation, asOf: this.reads.now() });
  }

  /** @returns `null` if the operation does not exist */
  async read(): Promise<Progress | null> {
    const document = await this.document.get();
    if (document === null) return null;
    const { operation } = document;
    if (!hasOrders(operation)) {
      const { asOf, ...findings } = await this.getRelated(operation).get();
      return { operation, findings: { ...findings, savedAsOf: asOf.toISOString() } };
    }
    const figure = this.getSavedFigure(operation);
    figure.update(operation, document.asOf);
    const { asOf: _asOf, ...findings } = await this.getRelated(operation).get(figure.isQuiet);
    const { saved, savedAsOf } = await figure.current(toLetterCounts(findings));
    return { operation, findings: { ...findings, saved, savedAsOf: savedAsOf.toISOString() } };
  }

  /** Returns whether the operation is final. For a redrive the state of its letters decides; for others an exact count. */
  async isSettled({ operation, findings }: Progress): Promise<boolean> {
    if (hasOrders(operation)) return this.getSavedFigure(operation).isSettled(toLetterCounts(findings));
    if (operation.status === 'running' || operation.status === 'paused') return false;
    const { moved, saved, returned, missing } = findings.redrive ?? { moved: 0, saved: 0, returned: 0, missing: 0 };
    return saved + returned + missing >= moved;
  }

  /** Discards older findings at each stage: a final status must not be shown with figures from before the end. */
  private getRelated(operation: OperationDocument): PacedRead<RelatedFindings> {
    const stage = `${operation.status}, ${operation.kind === 'import' && operation.reading !== null ? 'reading' : 'read'}`;
    if (this.related?.stage !== stage)
      this.related = { stage, read: new PacedRead(async () => this.reads.related(operation), this.budget) };
    return this.related.read;
  }

  private getSavedFigure(operation: OrdersDocument): SavedFigure {
    const { exactCount, onError } = this.reads;
    this.saved ??= new SavedFigure(operation, exactCount, this.budget, onError);
    return this.saved;
  }
}

function toLetterCounts({
  deadLettered,
  discarded,
}: Pick<OperationFindings, 'deadLettered' | 'discarded'>): LetterCounts {
  return { deadLettered: deadLettered ?? 0, discarded: discarded ?? 0 };
}
