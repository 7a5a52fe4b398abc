import type { Operation } from '../producer/operation.js';

/** A running operation, for specs. */
export const OPERATION: Operation = {
  id: '01935c9e-8a00-7000-8000-000000000001',
  kind: 'populate',
  status: 'running',
  interruption: null,
  count: 1_000,
  firstNumber: 1,
  acked: 600,
  saved: 400,
  deadLettered: 0,
  ratePerSecond: 100,
  etaSeconds: 4,
  waitingFor: null,
  seed: 7,
  requestedAt: '2026-01-31T12:00:00.000Z',
  startedAt: '2026-01-31T12:00:01.000Z',
  finishedAt: null,
  error: null,
};

/** The same operation after it succeeded. */
export const SUCCEEDED: Operation = { ...OPERATION, status: 'succeeded', acked: 1_000, saved: 1_000 };
