import { z } from 'zod';

const figure = z.number().nullish();
const text = z.string().nullish();

/**
 * The few members of an operation that the command line reads, of its own: the HTTP contract is all that it shares with the producer.
 * All others pass through for `--json`, and new statuses or kinds are no error. `null` and absent are both "not known".
 */
export const OperationSchema = z.looseObject({
  id: z.string(),
  kind: z.string(),
  status: z.string(),
  interruption: text,
  count: figure,
  firstNumber: figure,
  acked: figure,
  saved: figure,
  savedAsOf: text,
  deadLettered: figure,
  ratePerSecond: figure,
  etaSeconds: figure,
  waitingFor: text,
  seed: figure,
  import: z
    .looseObject({
      files: figure,
      known: figure,
      refused: figure,
      rows: figure,
      accepted: figure,
      skipped: figure,
      conflicting: figure,
      malformed: figure,
    })
    .nullish(),
  redrive: z
    .looseObject({ moved: figure, returned: figure, waiting: figure, missing: figure, unmovable: figure })
    .nullish(),
  requestedAt: text,
  startedAt: text,
  finishedAt: text,
  error: z.looseObject({ code: z.string(), message: z.string() }).nullish(),
});

export type Operation = z.infer<typeof OperationSchema>;
