import { z } from 'zod';

const measured = z.number().min(0).nullable().describe('`null`: not measured yet.');

const ComparedWaySchema = z.object({
  name: z.string().describe('Such as `by-key-4`.'),
  label: z.string().describe('As people read it, without the number of consumers.'),
  ordering: z.enum(['key', 'partition', 'unordered']),
  consumers: z.int().describe('Processes.'),
  inFlight: z.int().describe('Orders in the save at once, at the most.'),
  theorySeconds: z
    .number()
    .describe('The theoretical line: what the waits of these very orders take if nothing else took any time.'),
  sampled: z.boolean().describe('Measured on the first orders only; `seconds` is calculated from them.'),
  measuredOrders: z.int(),
  measuredSeconds: measured,
  warmUpSeconds: measured.describe(
    'Of a round before, which new processes need where all orders are in flight at once.',
  ),
  firstSaveSeconds: measured.describe('What of `measuredSeconds` had passed when the first save began.'),
  seconds: measured.describe('For all orders, from the populate until a majority of MongoDB has them.'),
  ordersPerSecond: measured,
  ratio: measured.describe('How much of what is possible is reached: theory / measured.'),
  timesFaster: measured.describe('Than one after another.'),
  wantedSeconds: z.number().nullable().describe('What it must not pass; `null`: nothing is asked of it.'),
});

/** The comparison that runs, or the last one. */
export const ComparisonResponseSchema = z
  .object({
    state: z.enum(['idle', 'running', 'done', 'failed']).describe('`idle`: there was none since the start.'),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    orders: z.int().nullable(),
    seed: z.int().nullable().describe('Of the orders and of their waits; `null`: not known yet.'),
    saveMs: z.object({ minimum: z.int(), maximum: z.int() }).nullable(),
    full: z.boolean().nullable(),
    noisy: z.boolean().nullable().describe('Other things ran on the machine when it began; `null`: not known yet.'),
    current: z.string().nullable().describe('The way that is being measured; `null`: none.'),
    ways: z.array(ComparedWaySchema).describe('In the order in which they are measured; empty until it has begun.'),
    error: z
      .object({ code: z.string(), message: z.string() })
      .nullable()
      .describe('Why it failed; `interrupted`: it was stopped.'),
  })
  .meta({ title: 'Comparison' });

export type ComparisonResponse = z.infer<typeof ComparisonResponseSchema>;

/** Before there was any. */
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
