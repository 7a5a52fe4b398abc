import { describe, expect, it } from '@jest/globals';
import type { FacadeFailure } from '../../history/history.js';
import { COLUMNS } from '../journey/columns.js';
import { isAllowedBy, type FaultWindow, type TimedFailure } from './allowed-failures.js';

function fault(kind: string, target: FaultWindow['target'], column: string, facade?: string): FaultWindow {
  const found = COLUMNS.find(({ name }) => name === column);
  if (found === undefined) throw new RangeError(column);
  return { column: found, kind, target, from: 1_000, to: 5_000, ...(facade !== undefined && { facade }) };
}

function failure(what: FacadeFailure['what'], code: string | null, more: Partial<TimedFailure> = {}): TimedFailure {
  const status = code === null ? null : 503;
  return { type: 'facade-failure', what, facade: 'facade', status, code, reason: null, tookMs: 10, at: 2_000, ...more };
}

describe('a failed request', () => {
  it.each([
    ['a write while the legacy system answers it', 'write', 'outcome-unknown', 'legacy', 'dualwrite', true],
    ['a write while the other side follows', 'write', 'outcome-unknown', 'new', 'dualwrite', false],
    ['a write of the new side', 'write', 'new-away', 'new', 'live', true],
    ['a write of some accounts', 'write', 'legacy-away', 'legacy', 'live 50 %', true],
    ['a write while the legacy system only follows', 'write', 'legacy-away', 'legacy', 'live', false],
    ['a read that is compared only', 'read', 'new-away', 'new', 'shadow', false],
    ['a read of the new side', 'read', 'still-open', 'new', 'shadow → live 50 %', true],
    ['a write in off without MongoDB', 'write', 'state-unknown', 'mongodb', 'off', false],
    ['a write in dualwrite without MongoDB', 'write', 'state-unknown', 'mongodb', 'dualwrite', true],
    ['a read of the legacy system without MongoDB', 'read', 'state-unknown', 'mongodb', 'shadow', false],
    ['a read of the new side without MongoDB', 'read', 'new-away', 'mongodb', 'complete', true],
  ] as const)('is allowed only where the contract allows it: %s', (_, what, code, target, column, isAllowed) => {
    const window = fault('a-fault', target, column);
    expect(isAllowedBy(failure(what, code), [window], [])).toBe(isAllowed);
  });

  it('without an answer is allowed only of a facade that is killed or hangs', () => {
    const killed = fault('kill-facade', 'facade', 'live', 'facade');
    expect(isAllowedBy(failure('read', null), [killed], [])).toBe(true);
    expect(isAllowedBy(failure('read', null, { facade: 'facade-2' }), [killed], [])).toBe(false);
    expect(isAllowedBy(failure('read', null), [fault('late-facade', 'facade', 'live', 'facade')], [])).toBe(false);
    expect(isAllowedBy(failure('read', null), [fault('pause-legacy', 'legacy', 'off')], [])).toBe(false);
  });

  it('of the other facade is allowed while it waits for the affected one', () => {
    const paused = fault('pause-facade', 'facade', 'live → shadow', 'facade');
    expect(isAllowedBy(failure('write', 'handing-over', { facade: 'facade-2' }), [paused], [])).toBe(true);
    expect(isAllowedBy(failure('write', 'new-away', { facade: 'facade-2' }), [paused], [])).toBe(false);
  });

  it('must overlap the time from the beginning of the fault to the recovery', () => {
    const away = fault('kill-legacy', 'legacy', 'off');
    expect(isAllowedBy(failure('read', 'legacy-away', { at: 900 }), [away], [])).toBe(false);
    expect(isAllowedBy(failure('read', 'legacy-away', { at: 5_500 }), [away], [])).toBe(false);
    expect(isAllowedBy(failure('read', 'legacy-away', { at: 5_500, tookMs: 900 }), [away], [])).toBe(true);
  });

  it('of a write that waits for a change of stage is allowed without a fault', () => {
    const moves = [{ from: 1_000, to: 3_000 }];
    expect(isAllowedBy(failure('write', 'handing-over'), [], moves)).toBe(true);
    expect(isAllowedBy(failure('write', 'handing-over', { at: 9_000 }), [], moves)).toBe(false);
    expect(isAllowedBy(failure('write', 'outcome-unknown'), [], moves)).toBe(false);
  });

  it('of a write is allowed during each change, and after 10 s without the side that follows', () => {
    const change = fault('kill-producer', 'new', 'off → dualwrite');
    expect(isAllowedBy(failure('write', 'handing-over'), [change], [])).toBe(true);
    const long = { ...fault('kill-producer', 'new', 'dualwrite'), to: 20_000 };
    expect(isAllowedBy(failure('write', 'handing-over'), [long], [])).toBe(false);
    expect(isAllowedBy(failure('write', 'writes-behind', { at: 10_900 }), [long], [])).toBe(false);
    expect(isAllowedBy(failure('write', 'writes-behind', { at: 11_100 }), [long], [])).toBe(true);
  });

  it('with another status or code is never allowed', () => {
    const away = fault('kill-legacy', 'legacy', 'off');
    expect(isAllowedBy(failure('read', 'legacy-away', { status: 500 }), [away], [])).toBe(false);
    expect(isAllowedBy(failure('read', 'something', {}), [away], [])).toBe(false);
  });
});
