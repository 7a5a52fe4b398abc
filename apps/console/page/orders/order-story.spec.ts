import { describe, expect, it } from '@jest/globals';
import type { RedriveTry } from '#api/producer.js';
import type { TimeLineStep } from '../time-line.js';
import { letterStory, orderStory, type LetterHistory } from './order-story.js';

const AT = '2026-01-31T12:00:00.000Z';
const LATER = '2026-01-31T13:00:00.000Z';
const ORIGIN = { topic: 'orders.v1', partition: 3, offset: 4_711, timestamp: AT };

/** A redrive that ended so; `null`: it has not ended. */
function tried(outcome: RedriveTry['outcome'], orderId: string | null = null): RedriveTry {
  const sent = outcome === 'unmovable' ? null : { partition: 3, offset: 9_000 };
  return { redriveId: 'redrive', at: AT, sent, orderId, outcome, endedAt: outcome && LATER };
}

function storyOf(tries: RedriveTry[], state: LetterHistory['state'] = 'pending') {
  const error = { code: 'conflict', message: 'taken' };
  return letterStory({ state, origin: ORIGIN, error, attempts: 1, deadLetteredAt: AT, tries }).map(plain);
}

/** The time, the text without its links, and the style. */
function plain({ at, text, style }: TimeLineStep): string {
  return [at === null ? '-' : at.slice(11, 16), typeof text === 'string' ? text : textOf(text), style ?? ''].join('|');
}

function textOf({ strings, values }: Exclude<TimeLineStep['text'], string>): string {
  return strings
    .map((part, at) => `${part}${typeof values[at] === 'string' ? values[at] : ''}`)
    .join('')
    .replaceAll(/<[^>]*>/g, '');
}

const SENT = '12:00|written to Kafka: partition 3, offset 4,711|';
const SENT_AGAIN = '-|written to Kafka: partition 3, offset 9,000|';
const REDRIVEN = '12:00|redriven|';

describe('the story of a dead letter', () => {
  it.each<[string, RedriveTry[], string[]]>([
    ['never', [], ['12:00|dead-lettered: conflict, after 1 attempt|bad']],
    [
      'and has not ended',
      [tried(null)],
      ['12:00|dead-lettered: conflict, after 1 attempt|bad', REDRIVEN, SENT_AGAIN, '-|in progress|'],
    ],
    [
      'and returned',
      [tried('returned')],
      ['12:00|dead-lettered|bad', REDRIVEN, SENT_AGAIN, '13:00|dead-lettered again: conflict, after 1 attempt|bad'],
    ],
    [
      'and could not be sent',
      [tried('unmovable')],
      ['12:00|dead-lettered: conflict, after 1 attempt|bad', REDRIVEN, '13:00|could not be sent again|bad'],
    ],
    [
      'and was saved',
      [tried('saved', 'order')],
      [
        '12:00|dead-lettered: conflict, after 1 attempt|bad',
        REDRIVEN,
        SENT_AGAIN,
        '13:00|its order was saved: show its time line|good',
      ],
    ],
  ])('that was redriven %s has each step', (_, tries, steps) => {
    expect(storyOf(tries)).toEqual([SENT, ...steps]);
  });

  it('has the error at the latest failure only', () => {
    const story = storyOf([tried('returned'), tried('returned')]);
    expect(story.filter((each) => each.includes('conflict'))).toEqual([story.at(-1)]);
  });

  it('ends when it is discarded, at an unknown time', () => {
    expect(storyOf([], 'discarded').at(-1)).toBe('-|discarded|');
  });
});

describe('the story of an order', () => {
  it('has a sentence for each step', () => {
    const story = orderStory([
      { code: 'requested', at: null },
      { code: 'sent', at: AT, partition: 3, offset: 4_711 },
      { code: 'fetched', at: AT },
      { code: 'taken', at: AT },
      { code: 'started', at: AT, attempts: 2 },
      { code: 'missing', at: AT },
      { code: 'saved', at: LATER },
    ]);
    expect(story.map(plain)).toEqual([
      '-|requested|',
      SENT,
      '12:00|fetched by a consumer|',
      '12:00|taken from its fetch buffer|',
      '12:00|attempt 2 started|',
      '12:00|processed again, but neither saved nor dead-lettered|bad',
      '13:00|saved|good',
    ]);
  });
});
