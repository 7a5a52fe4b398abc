import { z } from 'zod';

const figure = z.number().nullish();
const text = z.string().nullish();

/**
 * The members of an operation that the CLI reads. The CLI shares only the HTTP contract with the producer, so it has its own schema. Other
 * members pass through for `--json`; new statuses and kinds are valid. `null` and absent both mean unknown.
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
