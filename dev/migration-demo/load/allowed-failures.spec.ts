import { describe, expect, it } from '@jest/globals';
import { judgeFailures, type AwayTime } from './allowed-failures.js';
import type { FailedRequest } from './request-log.js';

const away: AwayTime[] = [
  { side: 'legacy', what: 'the legacy system was killed', from: 1_000, to: 3_000 },
  { side: 'new', what: 'a consumer was killed', from: 5_000, to: Number.POSITIVE_INFINITY },
];

function failure(code: string, from: number, to: number, message = ''): FailedRequest {
  return { kind: 'read-by-id', stage: 'shadow', code, message, from, to };
}

const reasonOf = (failed: FailedRequest) => judgeFailures([failed], away)[0]?.allowedBecause;

describe('a failed request', () => {
  it('is allowed if any part of it was in a time in which its side was away', () => {
    expect(reasonOf(failure('legacy-away', 500, 1_000))).toBe('the legacy system was killed');
    expect(reasonOf(failure('legacy-away', 3_000, 3_500))).toBe('the legacy system was killed');
    expect(reasonOf(failure('new-away', 9_000, 9_001))).toBe('a consumer was killed');
  });

  it('is not allowed before and after, nor while only the other side was away', () => {
    expect(reasonOf(failure('legacy-away', 0, 999))).toBeUndefined();
    expect(reasonOf(failure('legacy-away', 3_001, 4_000))).toBeUndefined();
    expect(reasonOf(failure('new-away', 1_500, 1_600))).toBeUndefined();
  });

  it('with an unknown outcome is judged by the side in its message', () => {
    const message = 'the legacy side has not answered, and the order may be stored later: it hung up';
    expect(reasonOf(failure('outcome-unknown', 1_500, 1_600, message))).toBe('the legacy system was killed');
    expect(reasonOf(failure('outcome-unknown', 6_000, 6_100, message))).toBeUndefined();
  });

  it('that waited for open writes is allowed while either side was away', () => {
    expect(reasonOf(failure('still-open', 1_500, 3_500))).toBe('the legacy system was killed');
    expect(reasonOf(failure('handing-over', 5_500, 7_500))).toBe('a consumer was killed');
  });

  it.each(['no-connection', 'state-unknown', 'error'])('with the code %s is never allowed', (code) => {
    expect(reasonOf(failure(code, 1_500, 6_000))).toBeUndefined();
  });
});
