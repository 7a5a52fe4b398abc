import { describe, expect, it } from '@jest/globals';
import { allowing, type FaultWindow, type Interval, type AffectedSystem, type FailedRequest } from './request-log.js';
import { positionAt } from './position.js';

const OFF = positionAt('off', 'off');
const DUALWRITE = positionAt('dualwrite', 'off');
const SHADOW = positionAt('dualwrite', 'shadow');
const HALF = positionAt('live', 'live', 50);
const LIVE = positionAt('live', 'live');
const COMPLETE = positionAt('complete', 'complete');
/** Half of the writes still go to the legacy system, and no read. */
const HALF_WRITES = { writes: HALF.writes, reads: LIVE.reads };

const fault = (
  affects: AffectedSystem,
  positions: FaultWindow['positions'],
  more: Partial<FaultWindow> = {},
): FaultWindow => ({
  positions,
  kind: 'a-fault',
  affects,
  from: 1_000,
  to: 5_000,
  ...more,
});
const failure = (kind: FailedRequest['kind'], code: string, more: Partial<FailedRequest> = {}): FailedRequest => ({
  kind,
  stage: 'any',
  facade: 'facade',
  status: code === 'no-connection' ? null : 503,
  code,
  message: '',
  from: 2_000,
  to: 2_010,
  ...more,
});
const isAllowed = (failed: FailedRequest, windows: FaultWindow[], moves: Interval[] = []): boolean =>
  allowing(failed, windows, moves) !== undefined;

describe('a failed request', () => {
  it.each<[string, FailedRequest['kind'], string, AffectedSystem, FaultWindow['positions'], boolean]>([
    ['a write while the legacy system answers it', 'writes', 'outcome-unknown', 'legacy', [DUALWRITE], true],
    ['a write while the target is the secondary', 'writes', 'outcome-unknown', 'new', [DUALWRITE], false],
    ['a write of the target', 'writes', 'new-away', 'new', [LIVE], true],
    ['a write of some accounts', 'writes', 'legacy-away', 'legacy', [HALF], true],
    ['a write while the legacy system is the secondary', 'writes', 'legacy-away', 'legacy', [LIVE], false],
    ['a read that is compared only', 'read-by-id', 'new-away', 'new', [SHADOW], false],
    ['a read of the target', 'read-by-page', 'still-open', 'new', [SHADOW, HALF], true],
    ['a read that waits for writes of the legacy system', 'read-by-id', 'still-open', 'legacy', [HALF_WRITES], true],
    ['a read of the target only', 'read-by-id', 'legacy-away', 'legacy', [HALF_WRITES], false],
    ['a write in off without MongoDB', 'writes', 'state-unknown', 'mongodb', [OFF], false],
    ['a write in dualwrite without MongoDB', 'writes', 'state-unknown', 'mongodb', [DUALWRITE], true],
    ['a read of the legacy system without MongoDB', 'read-by-id', 'state-unknown', 'mongodb', [SHADOW], false],
    ['a read of the target without MongoDB', 'read-by-range', 'new-away', 'mongodb', [COMPLETE], true],
    ['a write during a change', 'writes', 'handing-over', 'new', [OFF, DUALWRITE], true],
    ['a write without a change', 'writes', 'handing-over', 'new', [DUALWRITE], false],
    ['a code that the contract does not have', 'read-by-id', 'something', 'legacy', [OFF], false],
  ])('is allowed only where the contract allows it: %s', (_, kind, code, affects, positions, expected) => {
    expect(isAllowed(failure(kind, code), [fault(affects, positions)])).toBe(expected);
  });

  const ofFacade = (kind: string): FaultWindow => fault('facade', [LIVE], { kind, facade: 'facade' });

  it.each([
    ['is killed', 'no-connection', 'facade', ofFacade('kill-facade'), true],
    ['was not killed itself', 'no-connection', 'facade-2', ofFacade('kill-facade'), false],
    ['knows its state too late', 'no-connection', 'facade', ofFacade('late-facade'), false],
    ['does not reach the legacy system', 'no-connection', 'facade', fault('legacy', [OFF]), false],
    ['hangs and knows no state', 'state-unknown', 'facade', ofFacade('pause-facade'), true],
    ['waits for one that hangs', 'handing-over', 'facade-2', ofFacade('pause-facade'), true],
    ['finds the target unavailable while another one hangs', 'new-away', 'facade-2', ofFacade('pause-facade'), false],
  ])('of a facade that %s: %s', (_, code, facade, window, expected) => {
    expect(isAllowed(failure('writes', code, { facade }), [window])).toBe(expected);
  });

  it.each([
    ['before the fault', 0, 999, false],
    ['until it begins', 500, 1_000, true],
    ['from the recovery', 5_000, 5_500, true],
    ['after the recovery', 5_001, 5_500, false],
  ])('must overlap the time of the fault: %s', (_, from, to, expected) => {
    expect(isAllowed(failure('read-by-id', 'legacy-away', { from, to }), [fault('legacy', [OFF])])).toBe(expected);
  });

  it('with an unknown outcome is judged by the side in its message', () => {
    const message = 'the legacy system has not answered, and the order may be stored later: it hung up';
    const failed = failure('writes', 'outcome-unknown', { message });
    expect(isAllowed(failed, [fault('legacy', [HALF])])).toBe(true);
    expect(isAllowed(failed, [fault('new', [HALF])])).toBe(false);
  });

  it('of a write that waits for a change of stage is allowed without a fault', () => {
    const moves = [{ from: 1_000, to: 3_000 }];
    expect(isAllowed(failure('writes', 'handing-over'), [], moves)).toBe(true);
    expect(isAllowed(failure('writes', 'handing-over', { from: 9_000, to: 9_001 }), [], moves)).toBe(false);
    expect(isAllowed(failure('writes', 'outcome-unknown'), [], moves)).toBe(false);
  });

  it('of a write is allowed after 10 s without the secondary', () => {
    const long = fault('new', [DUALWRITE], { to: 20_000 });
    expect(isAllowed(failure('writes', 'writes-behind', { to: 10_999 }), [long])).toBe(false);
    expect(isAllowed(failure('writes', 'writes-behind', { to: 11_000 }), [long])).toBe(true);
  });

  it('with another status is never allowed', () => {
    expect(isAllowed(failure('read-by-id', 'legacy-away', { status: 500 }), [fault('legacy', [OFF])])).toBe(false);
  });
});
