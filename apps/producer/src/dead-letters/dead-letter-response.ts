import { z } from 'zod';
import type { DeadLetterDocument } from '#orders/dead-letters.js';

const count = z.int().min(0);
const date = z.iso.datetime();
const state = z.enum(['pending', 'redriving', 'saved', 'discarded']);
const position = z.object({ partition: count, offset: count });
const error = z.object({ code: z.string().meta({ examples: ['unknown-schema'] }), message: z.string() });

/** Dead letters that failed for the same reason. */
export const DeadLetterGroupsSchema = z
  .object({
    state,
    total: count,
    items: z.array(
      z.object({
        errorCode: z.string().meta({ examples: ['unknown-schema'] }),
        count,
        operations: count.describe('How many operations their orders are of.'),
        redriven: count.describe('Those that were sent again before, and came back.'),
        firstAt: date,
        lastAt: date,
        example: z.object({ id: z.string(), message: z.string() }),
      }),
    ),
  })
  .meta({ title: 'DeadLetterGroups' });

const fields = {
  id: z
    .string()
    .describe('Its origin: topic, partition and offset of the record that failed first.')
    .meta({ examples: ['orders.v1/3/4711'] }),
  state,
  origin: position.extend({ topic: z.string(), timestamp: date }),
  letter: position.describe('Where it stands on the dead-letter topic.'),
  operationId: z.uuid().nullable().describe('`null`: no operation made its record.'),
  index: count.nullable(),
  fault: z.string().nullable().describe('What was wrong with it on purpose.'),
  error: error.describe('Why it failed the last time.'),
  attempts: count,
  deadLetteredAt: date,
  redrives: count.describe('How often a redrive has taken it.'),
  tries: z
    .array(
      z.object({
        redriveId: z.uuid(),
        at: date,
        sent: position.nullable().describe('Where its record stands on the topic of the orders.'),
        orderId: z.string().nullable(),
        outcome: z.enum(['saved', 'returned', 'unmovable', 'missing']).nullable().describe('`null`: not known yet.'),
        endedAt: date.nullable(),
      }),
    )
    .describe('The times that it was sent again, oldest first.'),
};

export const DeadLettersPageSchema = z
  .object({
    items: z.array(z.object(fields)),
    page: z.object({
      size: count,
      next: z.string().optional().describe('The path of the next page; absent at the end.'),
    }),
  })
  .meta({ title: 'DeadLettersPage' });

const bytes = z.object({
  size: count,
  base64: z.string().describe('The first 64 KiB.'),
  text: z.string().nullable().describe('As text, where it is UTF-8.'),
});

export const DeadLetterSchema = z
  .object({
    ...fields,
    record: z
      .object({
        timestamp: date,
        key: bytes.nullable(),
        value: bytes.nullable(),
        valueFrom: z
          .enum(['letter', 'source'])
          .describe('`source`: it was too large for a letter, and was read where it failed.'),
        headers: z.array(z.object({ name: z.string(), value: bytes })),
      })
      .nullable()
      .describe('The record as it was; `null`: Kafka has it no more.'),
    gone: z
      .enum(['letter-gone', 'value-gone'])
      .nullable()
      .describe('Why there is no record: its letter was deleted, or the value that was too large for one.'),
    decoded: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('The order in it, whatever is wrong with its values; `null`: nothing can be read.'),
    undecodable: error.nullable().describe('What keeps it from being an order now; `null`: nothing does.'),
  })
  .meta({ title: 'DeadLetter' });

export type DeadLetterGroups = z.infer<typeof DeadLetterGroupsSchema>;
export type DeadLettersPage = z.infer<typeof DeadLettersPageSchema>;
export type DeadLetterResponse = z.infer<typeof DeadLetterSchema>;
export type DeadLetterItem = DeadLettersPage['items'][number];
type Bytes = z.infer<typeof bytes>;

const SHOWN_BYTES = 64 * 1024;

export function deadLetterItem({ _id, origin, tries = [], ...letter }: DeadLetterDocument): DeadLetterItem {
  const { state: now, operationId, index, fault, error: reason, attempts, redrives = 0 } = letter;
  return {
    id: _id,
    state: now,
    origin: { ...origin, timestamp: origin.timestamp.toISOString() },
    letter: letter.letter,
    operationId,
    index,
    fault: fault ?? null,
    error: reason,
    attempts,
    deadLetteredAt: letter.deadLetteredAt.toISOString(),
    redrives,
    tries: tries.map(({ operationId: redriveId, at, endedAt, ...rest }) => ({
      redriveId,
      at: at.toISOString(),
      ...rest,
      endedAt: endedAt?.toISOString() ?? null,
    })),
  };
}

export function shownBytes(value: Buffer): Bytes {
  return { size: value.length, base64: value.subarray(0, SHOWN_BYTES).toString('base64'), text: textOf(value) };
}

function textOf(value: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(value.subarray(0, SHOWN_BYTES));
  } catch {
    return null;
  }
}
