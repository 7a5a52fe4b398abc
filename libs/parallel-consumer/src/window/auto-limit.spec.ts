import { describe, expect, it } from '@jest/globals';
import { queueWith, SimulatedBackend, type Latency, type SimulationOptions } from './testing/simulated-backend.js';
import { AutoLimit } from './auto-limit.js';

const SECOND = 1_000;

/** Creates an automatic limit that starts at 200, and a simulated backend that uses it. */
function autoLimit(latency: Latency, { max = 10_000, ...options }: Partial<SimulationOptions & { max: number }> = {}) {
  const limit = new AutoLimit({ initial: 200, min: 10, max });
  return { limit, backend: new SimulatedBackend(limit, latency, { seed: 1, ...options }) };
}

const wait: Latency = ({ random }) => 1_000 * random;

describe('the automatic in-flight limit', () => {
  it('climbs to its bound when records only wait, and stays near it', () => {
    const { backend } = autoLimit(wait, { max: 2_000 });
    backend.run(30 * SECOND);
    const { limit, rate } = backend.run(60 * SECOND);
    expect(limit).toBeGreaterThan(0.95 * 2_000);
    expect(rate).toBeGreaterThan(0.9 * 4_000);
  });

  it.each<[string, Latency]>([
    ['uniform latency', wait],
    ['exponential latency', ({ random }) => -500 * Math.log(1 - random)],
  ])('climbs from 200 to 10,000 within ten mean latencies when records only wait: %s', (_, latency) => {
    const limits = Array.from({ length: 10 }, (__, seed) => {
      const { limit, backend } = autoLimit(latency, { seed });
      backend.run(5 * SECOND);
      return limit.current;
    });
    expect(limits).toEqual(limits.map(() => 10_000));
  });

  it.each([
    [2_000, 10],
    [1_000, 500],
    [5_000, 50],
  ])(
    'stays within a factor of two of the knee of a server with %i requests per second and %i ms',
    (capacity, least) => {
      const { backend } = autoLimit(queueWith(capacity, least));
      backend.run(30 * SECOND);
      const { limit, rate } = backend.run(20 * SECOND);
      const knee = (capacity * least) / 1_000;
      expect(limit).toBeGreaterThan(knee / 2);
      expect(limit).toBeLessThan(knee * 2);
      expect(rate).toBeGreaterThan(0.85 * capacity);
    },
  );

  it('climbs past the rise of latency when writes share a bulk, which makes each slower and the total faster', () => {
    const { backend } = autoLimit(({ inFlight, random }) => 50 * Math.sqrt(inFlight) * (0.8 + 0.4 * random), {
      max: 5_000,
    });
    backend.run(40 * SECOND);
    expect(backend.run(40 * SECOND).limit).toBeGreaterThan(4_000);
  });

  it('follows a server that becomes slower, and recovers with it', () => {
    const [fast, slow] = [queueWith(6_000, 100), queueWith(2_000, 100)];
    const { backend } = autoLimit((start) => (start.now > 40 * SECOND && start.now < 80 * SECOND ? slow : fast)(start));
    const limits = [40, 20, 20, 20, 20].map((seconds) => backend.run(seconds * SECOND).limit);
    expect(limits[2]).toBeLessThan(400);
    expect(limits[4]).toBeGreaterThan(450);
  });

  it('halves when latency jumps without a step of the limit', () => {
    const limit = new AutoLimit({ initial: 400, min: 10, max: 400 });
    for (let sample = 0; sample < 1_600; sample += 1) limit.attempted('done', 100, 400);
    expect(limit.current).toBe(400);
    for (let sample = 0; sample < 800; sample += 1) limit.attempted('done', 300, 400);
    expect(limit.current).toBeLessThanOrEqual(200);
  });

  it('halves once per window, however many `environment` failures the window has', () => {
    const { limit, backend } = autoLimit(wait, { max: 2_000 });
    backend.run(30 * SECOND);
    const before = limit.current;
    for (let failure = 0; failure < before; failure += 1) limit.attempted('environment', 5, before);
    expect(limit.current).toBe(Math.round(before / 2));
    for (let sample = 0; sample < 3 * before; sample += 1) limit.attempted('done', 500, limit.current);
    const recovered = limit.current;
    limit.attempted('environment', 5, recovered);
    expect(limit.current).toBe(Math.round(recovered / 2));
  });

  it('does not grow while the load stays below the limit', () => {
    const { limit, backend } = autoLimit(wait, { demand: 50 });
    backend.run(60 * SECOND);
    expect(limit.current).toBe(200);
  });

  it('grows when batches end many attempts at once and leave the window half empty for a moment', () => {
    const limit = new AutoLimit({ initial: 200, min: 10, max: 1_000 });
    for (let batch = 0; batch < 100; batch += 1) {
      const inFlight = limit.current;
      for (let left = inFlight; left > inFlight / 2; left -= 1) limit.attempted('done', 50, left);
    }
    expect(limit.current).toBeGreaterThan(700);
  });

  it('treats retriable failures like successes, and ignores abandoned attempts', () => {
    const outcomes = ['retriable', 'abandoned'] as const;
    const limits = outcomes.map((outcome) => {
      const { limit, backend } = autoLimit(wait, { max: 1_000, outcome: () => outcome });
      backend.run(20 * SECOND);
      return limit.current;
    });
    expect(limits[0]).toBeGreaterThan(700);
    expect(limits[1]).toBe(200);
  });

  it('never leaves its bounds', () => {
    const limit = new AutoLimit({ initial: 200, min: 10, max: 300 });
    for (let round = 0; round < 50; round += 1) {
      for (let sample = 0; sample < 700; sample += 1)
        limit.attempted('done', round % 7 === 0 ? 5_000 : 10, limit.current);
      if (round % 3 === 0) limit.attempted('environment', 1, limit.current);
      expect(limit.current).toBeGreaterThanOrEqual(10);
      expect(limit.current).toBeLessThanOrEqual(300);
    }
  });
});
