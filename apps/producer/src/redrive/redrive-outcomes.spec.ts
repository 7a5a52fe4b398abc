import { describe, expect, it } from '@jest/globals';
import { DEAD_LETTER_TOPIC, ORDERS_CONSUMER_GROUP } from '#orders/topics/topics.js';
import { RedriveOutcomes } from './redrive-outcomes.js';

function setUp() {
  const kafka = { saved: 100, letterEnd: 50, projected: 50 };
  const judged: number[] = [];
  const positions = {
    ends: async () => Promise.resolve(new Map([[0, kafka.letterEnd]])),
    committed: async (group: string, topic: string) => {
      expect([topic === DEAD_LETTER_TOPIC, group === ORDERS_CONSUMER_GROUP]).toContain(true);
      return Promise.resolve(new Map([[0, group === ORDERS_CONSUMER_GROUP ? kafka.saved : kafka.projected]]));
    },
  };
  const letters = {
    judge: async (_id: string, _partition: number, committed: number) => void judged.push(committed),
  };
  return { kafka, judged, outcomes: new RedriveOutcomes('x', letters, positions) };
}

describe('RedriveOutcomes', () => {
  it('judges by the committed offsets once all earlier dead letters are projected', async () => {
    const { kafka, judged, outcomes } = setUp();
    kafka.projected = 49;
    await outcomes.judge();
    expect(judged).toEqual([]);
    kafka.projected = 50;
    await outcomes.judge();
    expect(judged).toEqual([100]);
  });

  it('judges while new dead letters keep arriving, by the committed offsets of an earlier moment', async () => {
    const { kafka, judged, outcomes } = setUp();
    for (let turn = 0; turn < 6; turn += 1) {
      kafka.letterEnd += 100;
      kafka.saved += 10;
      await outcomes.judge();
      // The projection is always behind the current end, and always past the end of the previous turn.
      kafka.projected = kafka.letterEnd;
      kafka.letterEnd += 50;
    }
    expect(judged.length).toBeGreaterThan(1);
    expect(judged.every((committed) => committed < kafka.saved)).toBe(true);
  });
});
