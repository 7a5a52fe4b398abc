import { z } from 'zod';

const measured = z.number().min(0).nullable().describe('`null`: not measured yet.');

const ComparedWaySchema = z.object({
  name: z.string().describe('Such as `by-key-4`.'),
  label: z.string().describe('Display name, without the number of consumers.'),
  ordering: z.enum(['key', 'partition', 'unordered']),
  consumers: z.int().describe('Consumer processes.'),
  inFlight: z.int().describe('Maximum number of concurrent saves.'),
  theorySeconds: z
    .number()
    .describe('Theoretical minimum: the simulated save times of these orders alone, without any overhead.'),
  sampled: z.boolean().describe('Measured on the first orders only; `seconds` is extrapolated from them.'),
  measuredOrders: z.int(),
  measuredSeconds: measured,
  warmUpSeconds: measured.describe(
    'Duration of a warm-up round, which new processes need when all orders are in flight at once.',
  ),
  firstSaveSeconds: measured.describe('Part of `measuredSeconds` before the first save began.'),
  seconds: measured.describe(
    'For all orders, from the populate request until MongoDB has acknowledged them with majority write concern.',
  ),
  ordersPerSecond: measured,
  ratio: measured.describe('Efficiency: theoretical minimum divided by measured time.'),
  timesFaster: measured.describe('Speed-up compared with one after another.'),
  wantedSeconds: z.number().nullable().describe('Required upper limit; `null`: no requirement.'),
});

/** The running comparison, or the last one. */
export const ComparisonResponseSchema = z
  .object({
    state: z.enum(['idle', 'running', 'done', 'failed']).describe('`idle`: none since the console started.'),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    orders: z.int().nullable(),
    seed: z.int().nullable().describe('Seed of the orders and of their save times; `null`: not known yet.'),
    saveMs: z.object({ minimum: z.int(), maximum: z.int() }).nullable(),
    full: z.boolean().nullable(),
    noisy: z.boolean().nullable().describe('Other processes used the machine when it began; `null`: not known yet.'),
    current: z.string().nullable().describe('Name of the way that is being measured; `null`: none.'),
    ways: z.array(ComparedWaySchema).describe('In the order of measurement; empty until the first measurement begins.'),
    error: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .describe('Why it failed; code `interrupted`: it was stopped.'),
  })
  .meta({ title: 'Comparison' });

export type ComparisonResponse = z.infer<typeof ComparisonResponseSchema>;

/** The state before the first comparison. */
export const IDLE: ComparisonResponse = {
  state: 'idle',
  startedAt: null,
  finishedAt: null,
  orders: null,
  seed: null,
  saveMs: null,
  full: null,
  noisy: null,
  current: null,
  ways: [],
  error: null,
};
