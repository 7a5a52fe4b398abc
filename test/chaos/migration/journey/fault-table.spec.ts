import { describe, expect, it } from '@jest/globals';
import { planJourney } from './fault-table.js';

const KINDS = 15;
const COLUMNS = 15;

const kindsOf = (journey: number, seed = 7): number[] =>
  planJourney(seed, journey, KINDS, COLUMNS).map(({ kind }) => kind);

const drawn = (seed: number): number[] => planJourney(seed, 2, KINDS, COLUMNS).map(({ draw }) => draw(1_000));

describe('the plan of a journey', () => {
  it('injects every kind in every column once, in as many journeys as there are kinds', () => {
    const journeys = Array.from({ length: KINDS }, (_, journey) => kindsOf(journey));
    for (let column = 0; column < COLUMNS; column += 1)
      expect(new Set(journeys.map((kinds) => kinds[column])).size).toBe(KINDS);
  });

  it('injects every kind in one journey, if there are as many columns', () => {
    expect(new Set(kindsOf(3)).size).toBe(KINDS);
  });

  it('depends on the seed alone', () => {
    expect([kindsOf(2, 8), drawn(8)]).toEqual([kindsOf(2, 8), drawn(8)]);
    expect(kindsOf(2, 8)).not.toEqual(kindsOf(2, 7));
    expect(drawn(8)).not.toEqual(drawn(7));
  });

  it('rejects an empty list of kinds', () => {
    expect(() => planJourney(1, 0, 0, 3)).toThrow('no kind of fault');
  });
});
