/** A running `populate` as the producer answers it. */
const OPERATION = {
  id: '01935c9e-8a00-7000-8000-000000000001',
  kind: 'populate' as const,
  status: 'running' as const,
  state: { code: 'sending' as const, text: 'sending 60 %, saving 66 %' },
  interruption: null,
  seed: 7,
  count: 1_000,
  firstNumber: 1,
  chunkSize: 1_000,
  accounts: 100_000,
  from: '2026-01-30T12:00:00.000Z',
  to: '2026-01-31T12:00:00.000Z',
  faults: null,
  ackedFaults: null,
  requestedRatePerSecond: null,
  behindScheduleSeconds: null,
  waitingFor: null,
  savesWaitFor: null,
  generated: 700,
  acked: 600,
  ackedNumbers: [{ from: 1, to: 600 }],
  saved: 400,
  savedAsOf: '2026-01-31T12:00:07.000Z',
  archived: 0,
  deadLettered: 0,
  discarded: 0,
  import: null,
  redrive: null,
  requestedAt: '2026-01-31T12:00:00.000Z',
  startedAt: '2026-01-31T12:00:01.000Z',
  finishedAt: null,
  ratePerSecond: 100,
  etaSeconds: 4,
  error: null,
  firstErrors: null,
};

/** Returns a running `populate` as the producer answers it, with these fields changed. */
export function anOperation<Change extends object>(change: Change): Omit<typeof OPERATION, keyof Change> & Change;
export function anOperation(): typeof OPERATION;
export function anOperation(change: object = {}): object {
  return { ...OPERATION, ...change };
}
