import { describe, expect, it } from '@jest/globals';
import { stateText, type Operation } from './operation.js';

const SUCCEEDED = {
  status: 'succeeded',
  interruption: null,
  acked: 1_000,
  saved: 1_000,
  deadLettered: 0,
  discarded: 0,
  redrive: null,
} as unknown as Operation;

describe('the state of an operation', () => {
  it('is done only when every order is saved, dead-lettered or discarded', () => {
    expect(stateText({ ...SUCCEEDED, saved: 379 })).toBe('saving 37 %');
    expect(stateText({ ...SUCCEEDED, saved: null })).toBe('saving 0 %');
    expect(stateText({ ...SUCCEEDED, saved: 990, deadLettered: 7, discarded: 3 })).toBe('done');
  });

  it('is done when a redrive has succeeded', () => {
    const redrive = {} as Operation['redrive'];
    expect(stateText({ ...SUCCEEDED, saved: 0, redrive })).toBe('done');
  });

  it('shows a requested interruption, and otherwise the status', () => {
    expect(stateText({ ...SUCCEEDED, status: 'running', interruption: 'cancel' })).toBe('cancelling');
    expect(stateText({ ...SUCCEEDED, status: 'running', interruption: 'pause' })).toBe('pausing');
    expect(stateText({ ...SUCCEEDED, status: 'cancelled' })).toBe('cancelled');
  });
});
