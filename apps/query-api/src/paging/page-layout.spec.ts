import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { PageLayout } from './page-layout.js';

const layouts = fc.record({
  from: fc.integer({ min: 1, max: 50 }),
  count: fc.integer({ min: 1, max: 60 }),
  size: fc.integer({ min: 1, max: 10 }),
  descending: fc.boolean(),
});

describe('the page layout of order numbers', () => {
  it('puts each number on exactly one page, in order', () => {
    fc.assert(
      fc.property(layouts, ({ from, count, size, descending }) => {
        const to = from + count - 1;
        const layout = new PageLayout({ from, to }, size, descending);
        const visited: number[] = [];
        for (let page = 1; layout.numbersOf(page) !== undefined; page += 1) {
          const numbers = layout.numbersOf(page) ?? { from: 0, to: -1 };
          const onPage = Array.from({ length: numbers.to - numbers.from + 1 }, (_, at) => numbers.from + at);
          expect(onPage.map((number) => layout.pageOf(number))).toEqual(onPage.map(() => page));
          visited.push(...(descending ? onPage.toReversed() : onPage));
        }
        const all = Array.from({ length: count }, (_, at) => (descending ? to - at : from + at));
        expect(visited).toEqual(all);
        expect(layout.pageOf(layout.end)).toBe(Math.ceil(count / size));
      }),
    );
  });

  it('links back from any page beyond the end to the last number', () => {
    for (const descending of [false, true]) {
      const layout = new PageLayout({ from: 3, to: 12 }, 5, descending);
      for (const page of [3, 4, Number.MAX_SAFE_INTEGER]) {
        expect(layout.numbersOf(page)).toBeUndefined();
        expect(layout.beforeStartOf(page)).toBe(layout.end);
      }
    }
  });

  it('has no page if there are no numbers', () => {
    expect(new PageLayout({ from: 1, to: 0 }, 5, false).numbersOf(1)).toBeUndefined();
  });
});
