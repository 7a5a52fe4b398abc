import { describe, expect, it } from '@jest/globals';
import type { OperationDocument } from '#orders/operation/operation.js';
import { createSegments, type Segment } from '#orders/operation/segments.js';
import { freeSegment } from './segment-leases.js';

const NOW = new Date('2026-06-15T12:00:00Z');
const inMs = (milliseconds: number): Date => new Date(NOW.getTime() + milliseconds);

function operation(changes: readonly Partial<Segment>[], rest: Partial<OperationDocument> = {}): OperationDocument {
  const segments = createSegments(200_000).map((segment, at) => Object.assign(segment, changes[at]));
  return { segments, ratePerSecond: null, schedule: { at: NOW, from: 0 }, ...rest } as OperationDocument;
}

describe('freeSegment', () => {
  const held = { lease: { owner: 'another', expiresAt: inMs(5_000) } };
  const crashed = { lease: { owner: 'another', expiresAt: inMs(-1) } };

  it('returns the first unfinished segment without a live lease', () => {
    expect(freeSegment(operation([{ isDone: true }, held]), NOW)?.from).toBe(100_000);
    expect(freeSegment(operation([{ isDone: true }, crashed]), NOW)?.from).toBe(50_000);
    expect(freeSegment(operation([held, held, { isDone: true }, held]), NOW)).toBeUndefined();
  });

  it('returns only the first segment while a rate has no schedule yet', () => {
    const unscheduled = { ratePerSecond: 10, schedule: null };
    expect(freeSegment(operation([], unscheduled), NOW)?.from).toBe(0);
    expect(freeSegment(operation([held], unscheduled), NOW)).toBeUndefined();
  });

  it('returns a scheduled segment at most one second before it is due', () => {
    const paced = operation([held], { ratePerSecond: 10_000 });
    // Order 50,000 is due after 5 s.
    expect(freeSegment(paced, inMs(3_999))).toBeUndefined();
    expect(freeSegment(paced, inMs(4_000))?.from).toBe(50_000);
  });
});
