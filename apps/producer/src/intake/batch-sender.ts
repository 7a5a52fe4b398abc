import type { IntakeStore } from './intake-store.js';
import type { ReservedBlock } from '#orders/numbering/number-blocks.js';
import type { Acknowledgements } from './acknowledgements.js';
import type { BatchTopic, BlockRecovery } from './block-recovery.js';
import { abandoned, buildBatch, type BuiltBatch } from './built-batch.js';
import type { OpenOperation } from './open-operation.js';
import { ordersIn, type PendingRequest } from './pending-request.js';
import type { RepeatedRequests } from './repeated-requests.js';

/** Tries to store a batch: each of them found a repeated key that was not stored when the batch was collected. */
const MAX_TRIES = 10;

export interface BatchSenderParts {
  readonly store: IntakeStore;
  readonly topic: BatchTopic;
  readonly repeats: RepeatedRequests;
  readonly recovery: BlockRecovery;
  readonly acknowledgements: Acknowledgements;
  /** MongoDB's time. */
  readonly now: () => Date;
  /** Runs work until it succeeds. Its operation stays open until then. */
  readonly untilDone: (operation: OpenOperation, what: string, work: () => Promise<void>) => void;
}

/** Thrown when another process has taken over the operation. Nothing was accepted: the batch needs another operation. */
export class OperationOverError extends Error {
  override readonly name = 'OperationOverError';
  readonly code = 'operation-over';
}

/**
 * Takes requests on their way: reserve numbers, store the batch, send it, answer. A crash after any step leaves a block that
 * `BlockRecovery` settles.
 */
export class BatchSender {
  constructor(private readonly parts: BatchSenderParts) {}

  /**
   * Reserves numbers for the requests that are not repeated.
   * @returns `undefined` if all are. @throws the error of the store: nothing was accepted
   */
  async reserve(requests: readonly PendingRequest[], operation: OpenOperation): Promise<Reserved | undefined> {
    const { store, repeats, recovery } = this.parts;
    const fresh = await repeats.settle(requests);
    if (fresh.length === 0) return undefined;
    const count = ordersIn(fresh);
    const { recorded } = operation;
    const wanted = { operationId: operation.id, from: operation.takeIndexes(count), count };
    const { first, unrecorded } = await store.reserve(wanted, recorded);
    for (const stray of operation.noteReserved(first, recorded, unrecorded))
      this.parts.untilDone(operation, 'abandon unused numbers', async () => {
        await recovery.settle(stray);
        operation.noteRecorded(stray.first);
      });
    return { operation, block: { first, ...wanted }, requests: fresh };
  }

  /** Stores and sends a reserved batch, and settles its requests. @throws OperationOverError */
  async send(reserved: Reserved): Promise<void> {
    const stored = await this.store(reserved);
    if (stored === undefined) return;
    const { operation, block } = reserved;
    const { requests, built } = stored;
    try {
      const parts = await this.parts.topic.send(built.records);
      this.parts.acknowledgements.add({ first: block.first, parts });
    } catch (error) {
      for (const request of requests) request.failAsUnknown();
      this.recover(reserved);
      throw error;
    }
    operation.acked += built.records.length;
    let first = block.first;
    for (const request of requests) {
      request.accept(operation.id, first);
      first += request.size;
    }
  }

  /** @returns the requests of the stored batch; `undefined` if there is none */
  private async store(
    reserved: Reserved,
  ): Promise<{ readonly built: BuiltBatch; readonly requests: readonly PendingRequest[] } | undefined> {
    const { operation, block } = reserved;
    let { requests } = reserved;
    try {
      for (let turn = 1; requests.length > 0; turn += 1) {
        const built = buildBatch(requests, block, this.parts.now(), this.parts.topic);
        const outcome = await this.parts.store.insert(built.documents);
        if (outcome === 'stored') {
          operation.noteRecorded(block.first);
          operation.count += built.records.length;
          return { built, requests };
        }
        if (outcome === 'taken') break;
        if (turn === MAX_TRIES) throw new Error(`a key is in another batch, but not found after ${MAX_TRIES} tries`);
        // Another producer stored the same request at the same time: its numbers count.
        requests = await this.parts.repeats.settle(requests);
      }
    } catch (error) {
      for (const request of requests) request.failAsUnknown();
      this.recover(reserved);
      throw error;
    }
    if (requests.length > 0) throw new OperationOverError(`another process has taken over operation ${operation.id}`);
    const unused = abandoned(block, this.parts.now());
    this.parts.untilDone(operation, 'abandon unused numbers', async () => {
      await this.parts.store.insert([unused]);
      operation.noteRecorded(block.first);
    });
    return undefined;
  }

  private recover({ operation, block }: Reserved): void {
    this.parts.untilDone(operation, 'settle a batch with an unknown outcome', async () => {
      await this.parts.recovery.settle(block);
      operation.noteRecorded(block.first);
    });
  }
}

/** Requests, and the numbers that are reserved for them. */
export interface Reserved {
  readonly operation: OpenOperation;
  readonly block: ReservedBlock;
  readonly requests: readonly PendingRequest[];
}
