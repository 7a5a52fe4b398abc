import { describe, expect, it } from '@jest/globals';
import { AttemptHistory, FencedSink, type SeenAttempt } from './attempt-history.js';

const at = { topic: 'orders', partition: 0 };
const record = (offset: number, key: string | null = 'a') => ({ ...at, offset, key });

/**
 * Plays a history of one key, whose records 0 to 4 are in the topic. A step is the record's offset and what happens: `<` an attempt begins,
 * `+` it succeeds, `-` it fails, `?` it was not tried, `!` the engine abandons it, `x` the record is dead-lettered. `@` and a number name the
 * fence (default 1), `#` and a number the call.
 */
function anomaliesOf(
  steps: string,
  ordering: 'key' | 'partition' | 'unordered' = 'key',
  key: string | null = 'a',
): string[] {
  const history = new AttemptHistory(ordering);
  for (let offset = 0; offset < 5; offset += 1) history.appended(record(offset, key));
  const seen = new Map<string, SeenAttempt>();
  for (const [index, step] of steps.split(' ').entries()) {
    const [, offset = '', what = '', fence = '1', call = String(index)] =
      /^(\d)(.)(?:@(\d))?(?:#(\d+))?$/.exec(step) ?? [];
    const name = `${offset}@${fence}`;
    if (what === 'x') history.deadLettered(record(Number(offset), key));
    if (what === '<')
      seen.set(name, { record: record(Number(offset), key), member: 'm', fence: Number(fence), call, attempt: 1 });
    const attempt = seen.get(name) as SeenAttempt;
    if (what === '<') history.started(attempt);
    if (what === '!') history.abandoned(attempt);
    if ('+-?'.includes(what)) history.ended(attempt, what === '+' ? 'done' : what === '-' ? 'failed' : 'untried');
  }
  return history.anomalies.map(({ promise }) => promise);
}

describe('the history of attempts', () => {
  it.each([
    ['in order', '0< 0+ 1< 1+ 2< 2+'],
    ['a retry', '0< 0- 0< 0+ 1<'],
    ['a dead letter', '0< 0- 0x 1< 1+'],
    ['a batch of one key, of which the second record fails', '0<#1 1<#1 2<#1 0+ 1- 2? 1<#2 2<#2 1+ 2+ 3<'],
    ['a batch that fails as a whole', '0<#1 1<#1 0- 1? 0<#2 1<#2 0+ 1+'],
    ['the next ownership repeats in order what was not committed', '0< 0+ 1< 1+ 0<@2 0+@2 1<@2 1+@2 2<@2'],
    ['work that was under way ends after its ownership', '0< 0<@2 0+@2 1<@2 0+ 1+@2'],
    ['an abandoned attempt goes on beside the next', '0< 0! 0< 0+ 1<'],
    ['the next ownership begins behind what is completed', '0< 0+ 1<@2 1+@2'],
  ])('accepts %s', (_what, steps) => {
    expect(anomaliesOf(steps)).toEqual([]);
  });

  it.each([
    ['a record that begins before an older one of its key has ended', '0< 1<', ['P1']],
    ['a record that begins although an older one has failed', '0< 0- 1<', ['P1']],
    ['a record that begins although an older one was never handled', '1<', ['P1']],
    ['a closed record that begins again', '0< 0+ 0<', ['P1']],
    ['an older record that begins after a newer one', '0< 0+ 1<@2 1+@2 0<@2', ['P1']],
    ['a batch in another order than the topic', '0< 0+ 2<#1 1<#1', ['P1', 'P1']],
    ['two attempts of a record at once', '0< 0<', ['P2']],
    ['a start after the next owner has begun', '0< 0+ 0<@2 0+@2 1<@2 1<@1', ['P4']],
    ['a repeat that goes on with a record the next ownership had not closed', '0< 0+ 1< 1+ 0<@2 1<@2', ['P1']],
  ])('finds %s', (_what, steps, promises) => {
    expect(anomaliesOf(steps)).toEqual(promises);
  });

  it('knows no order of records without a key, and none if the group has none, but what overlaps and who owns', () => {
    expect(anomaliesOf('1< 0< 0+ 0<', 'key', null)).toEqual([]);
    expect(anomaliesOf('1< 0< 0<', 'unordered')).toEqual(['P2']);
    expect(anomaliesOf('1<@2 0<@1', 'unordered')).toEqual(['P4']);
    expect(anomaliesOf('0< 1<', 'partition', null)).toEqual(['P1']);
  });

  it('finds a record that was committed before its ownership read its position, and one that it skips', () => {
    const history = new AttemptHistory('key');
    for (let offset = 0; offset < 4; offset += 1) history.appended(record(offset));
    history.began('orders', 0, 2, (offset) => offset < 2);
    const seen = { member: 'm', fence: 2, call: 1, attempt: 1 };
    history.started({ ...seen, record: record(1) });
    history.started({ ...seen, record: record(3), call: 2 });
    expect(history.anomalies.map(({ promise }) => promise)).toEqual(['P3', 'P1']);
  });

  it('forgets what a log has lost', () => {
    const history = new AttemptHistory('key');
    for (let offset = 0; offset < 4; offset += 1) history.appended(record(offset));
    history.truncated('orders', 0, 1);
    history.appended(record(1));
    const seen = (offset: number, fence: number) => ({
      record: record(offset),
      member: 'm',
      fence,
      call: offset,
      attempt: 1,
    });
    for (const each of [seen(0, 1), seen(1, 2)]) {
      history.started(each);
      history.ended(each, 'done');
    }
    expect(history.anomalies).toEqual([]);
  });
});

describe('the sink that compares fences', () => {
  it('refuses an older owner than it has seen, and finds effects of one owner in the wrong order', () => {
    const sink = new FencedSink('key');
    const effects = [
      [0, 1],
      [1, 2],
      [2, 1],
      [2, 2],
      [1, 2],
      [1, 3],
    ].map(([offset = 0, fence = 0]) => sink.apply({ record: record(offset), fence }));
    expect(effects).toEqual([true, true, false, true, true, true]);
    expect([sink.refused, sink.anomalies]).toEqual([1, ['orders-0 offset 1 (key a, fence 2) was applied after 2']]);
  });
});
