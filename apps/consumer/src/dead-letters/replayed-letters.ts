import type { Db } from 'mongodb';
import type { DeadLetterDocument } from '#orders/dead-letter/dead-letters.js';
import { settledBlocksCollection, type SettledBlock } from '#orders/settled/settled-blocks.js';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';

/** The used fields of a dead letter. */
export type PlacedLetter = Pick<DeadLetterDocument, 'operationId' | 'index' | 'origin'>;

type Block = Pick<SettledBlock, '_id' | 'to' | 'ends'>;

/**
 * Finds letters whose outcome was final before: their block was settled after their record was written. They are read again when a topic is
 * replayed, and their documents may be removed already.
 * @returns their positions in the list
 */
export async function replayedLetters(db: Db, letters: readonly PlacedLetter[]): Promise<Set<number>> {
  const blocks = await blocksOfLetters(db, letters);
  const replayed = new Set<number>();
  for (const [at, letter] of letters.entries()) if (blocks.some((block) => isBefore(letter, block))) replayed.add(at);
  return replayed;
}

/** Whether a letter belongs to a block, and its record was on the topic when the block was verified. */
export function isBefore({ operationId, index, origin }: PlacedLetter, { _id, to, ends }: Block): boolean {
  if (operationId !== _id.operationId || index === null || index < _id.from || index >= to) return false;
  return origin.topic === ORDERS_TOPIC && origin.offset < (ends[origin.partition] ?? 0);
}

async function blocksOfLetters(db: Db, letters: readonly PlacedLetter[]): Promise<Block[]> {
  const indexes = new Map<string, { from: number; to: number }>();
  for (const { operationId, index } of letters) {
    if (operationId === null || index === null) continue;
    const range = indexes.get(operationId) ?? { from: index, to: index };
    indexes.set(operationId, { from: Math.min(range.from, index), to: Math.max(range.to, index) });
  }
  if (indexes.size === 0) return [];
  const blocks = [...indexes].map(([operationId, { from, to }]) => ({
    _id: { $gte: { operationId, from: 0 }, $lte: { operationId, from: to } },
    to: { $gt: from },
  }));
  return settledBlocksCollection(db).find({ $or: blocks }).project<Block>({ to: 1, ends: 1 }).toArray();
}
