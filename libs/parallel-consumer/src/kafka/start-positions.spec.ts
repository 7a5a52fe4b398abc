import { expect, it } from '@jest/globals';
import { LIST_OFFSETS } from '../protocol/offset-requests.js';
import { StartPositions } from './start-positions.js';
import { scriptedKafka } from './testing/scripted-topic.js';
import { TopicLogs } from './topic-logs.js';

const NONE = -1;

it('a start by timestamp skips no record that is written while it is looked for', async () => {
  const timestamp = 1_000;
  const written: number[] = [];
  const connections = scriptedKafka().answer(LIST_OFFSETS, ({ edge }) => {
    const answer = edge === 'end' ? written.length : written.findIndex((each) => each >= timestamp);
    // A record with a later timestamp is written after each answer.
    written.push(timestamp);
    return edge === 'end' || answer >= 0 ? answer : NONE;
  });
  const positions = new StartPositions(new TopicLogs(connections), ['payments'], { timestamp });
  expect(await positions.of({ topic: 'payments', partition: 0 })).toBe(0);
});
