import { describe, expect, it } from '@jest/globals';
import { RecordsRejectedError } from '../failures/records-rejected.js';
import type { OutgoingRecord } from '../records/record.js';
import { consuming } from './gated-consumer.js';

const NAMES = ['a', 'b', 'c', 'd'];

/** Starts a consumer whose four records are poison, on a Kafka that rejects the letter of `b`, alone or in a batch. */
async function rejecting(code: string) {
  const consumed = await consuming({ classify: () => 'poison' }, (topic) => {
    for (const name of NAMES) topic.append(0, `key-${name}`, name);
  });
  const { broker, gate } = consumed;
  let isAccepted = false;
  const publish = broker.publish.bind(broker);
  broker.publish = async (topic, letters) => {
    if (!isAccepted && letters.some(isOfB)) throw new RecordsRejectedError(code, {});
    await publish(topic, letters);
  };
  for (const name of NAMES) await gate.fail(name, new Error('no order'));
  const accept = (): void => {
    isAccepted = true;
  };
  return { ...consumed, accept };
}

function isOfB({ key }: OutgoingRecord): boolean {
  return String(key) === 'key-b';
}

describe('a dead letter that Kafka rejects', () => {
  it.each(['INVALID_TIMESTAMP', 'INVALID_RECORD'])(
    'by %s stays complete, lets the others pass, and is published once the cause is gone',
    async (code) => {
      const { kafka, clock, consumer, letters, log, accept } = await rejecting(code);
      await clock.advance(59_000);
      expect(letters().map(({ value }) => value)).toEqual(['a', 'c', 'd']);
      const reason = `dead letters could not be published to dead since 1970-01-01 00:00:00 UTC: Kafka rejected the records: ${code}`;
      expect(consumer.status).toMatchObject({ deadLettered: 3, ready: false, notReadyBecause: reason });
      expect(log.matching(/dead letters could not be published/)).toMatchObject([{ topic: 'dead', code }]);
      accept();
      await clock.advance(10_000);
      const letter = { key: Buffer.from('key-b'), value: Buffer.from('b') };
      expect(kafka.records('dead').at(-1)).toMatchObject(letter);
      expect(consumer.status).toMatchObject({ deadLettered: 4, lag: 0, ready: true });
    },
  );

  it('for its size loses its value, then its key, until Kafka accepts it', async () => {
    const { kafka, clock, consumer, letters } = await rejecting('MESSAGE_TOO_LARGE');
    await clock.advance(59_000);
    expect(letters()).toHaveLength(4);
    const letter = kafka.records('dead').find(({ key }) => key === null);
    expect(letter).toMatchObject({ value: null });
    expect(consumer.status).toMatchObject({ deadLettered: 4, lag: 0 });
  });
});
