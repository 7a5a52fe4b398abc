import type { PipelineResponse, ReportedChange, ReportedConsumer, ScalingVerdict } from '../pipeline-response.js';

/** Returns a ready consumer that uses its limit of 1,000 orders. */
export function aConsumer(change: Partial<ReportedConsumer> = {}): ReportedConsumer {
  return {
    id: 'c0',
    name: 'consumer-1',
    partitions: [0, 2, 4, 6, 8, 10],
    ratePerSecond: 1_950,
    inFlight: 1_000,
    inFlightLimit: 1_000,
    inFlightSet: 1_000,
    rebalances: 2,
    state: 'ready',
    notReadyBecause: null,
    silentSeconds: 0.4,
    ...change,
  };
}

/** Returns a change of the consumers without any figures. */
export function aChange(change: Partial<ReportedChange> = {}): ReportedChange {
  return {
    at: '2026-01-31T12:00:00.000Z',
    kind: 'scaling',
    secondsAgo: 0,
    from: null,
    to: null,
    before: null,
    after: null,
    verdict: null,
    crash: null,
    ...change,
  };
}

/** Returns a scaling from a number of consumers to another one, which is being measured. */
export function aScaling(from: number, to: number, change: Partial<ReportedChange> = {}): ReportedChange {
  const [before, after] = [from, to].map((consumers) => ({ consumers, inFlight: 1_000 }));
  return aChange({ from: before ?? null, to: after ?? null, ...change });
}

/** Returns a verdict on a scaling that helped. */
export function aVerdict(change: Partial<ScalingVerdict> = {}): ScalingVerdict {
  return { outcome: 'faster', factor: 1.9, bound: null, text: '1.90 times the throughput', ...change };
}

/** Returns a busy pipeline of two consumers and twelve partitions. */
export function aPipeline(change: Partial<PipelineResponse> = {}): PipelineResponse {
  return {
    at: new Date().toISOString(),
    scaling: null,
    scalingRequests: 0,
    configuredConsumers: change.consumers === undefined ? 2 : (change.consumers?.length ?? null),
    producedPerSecond: 4_012,
    savedPerSecond: 3_911,
    inFlight: 2_000,
    lagRecords: 41_200,
    lagSeconds: 10.5,
    secondsToDrain: 12,
    deadLetters: 397,
    partitions: Array.from({ length: 12 }, (_, partition) => ({
      partition,
      endOffset: 34_000,
      committedOffset: 30_500,
      lagRecords: 3_500,
      lagSeconds: 10.5,
      oldest: { offset: 30_500, accountId: `acc-${partition}`, takenSeconds: 0.8, attempt: 1 },
      owner: `c${partition % 2}`,
    })),
    consumers: [aConsumer(), aConsumer({ id: 'c1', name: 'consumer-2', partitions: [1, 3, 5, 7, 9, 11] })],
    changes: [],
    autoscaling: null,
    scalingDemo: null,
    ...change,
  };
}
