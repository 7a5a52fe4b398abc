import { expect, it } from '@jest/globals';
import type { Broker } from '../kafka/broker.js';
import type { ContractTopic, MakeTopic } from './contract-kafka.js';
import { RecordingListener, type Answers } from './recording-listener.js';

const ALL = [0, 1, 2, 3];

interface Member {
  readonly broker: Broker;
  readonly listener: RecordingListener;
  /** Ends once it is in the group. */
  readonly joined: Promise<void>;
}

function joining(topic: ContractTopic, answers: Answers = {}): Member {
  const [broker, listener] = [topic.member(), new RecordingListener(answers)];
  return { broker, listener, joined: broker.start(listener) };
}

/** A member that has all four partitions. */
async function alone(topic: ContractTopic, answers: Answers = {}): Promise<Member> {
  const member = joining(topic, answers);
  await member.listener.until(() => member.listener.assignment?.length === 4);
  return member;
}

async function bothHaveTwo({ listener: one }: Member, { listener: other }: Member): Promise<void> {
  await one.until(() => one.assignment?.length === 2);
  await other.until(() => other.assignment?.length === 2);
}

/** States what a group does when members come and go. */
export function describeMembership(topicOf: MakeTopic, perSpecMs: number): void {
  it(
    'waits for the members to drain before a rebalance, and counts what they commit meanwhile',
    async () => {
      const topic = await topicOf(4);
      for (const partition of ALL) await topic.append(partition, 'a', 'b');
      const { promise: drained, resolve: endDrain } = Promise.withResolvers<void>();
      const joins = { count: 0 };
      const rebalancing = async (): Promise<void> => {
        joins.count += 1;
        // The first is its own join.
        if (first !== undefined) await drained;
      };
      let first: Member | undefined;
      first = await alone(topic, { rebalancing });
      const second = joining(topic);
      const before = joins.count;
      const { listener } = first;
      await listener.until(() => joins.count > before);
      await first.broker.commit(ALL.map((partition) => ({ ...topic.at(partition), offset: 1 })));
      expect(listener.assignment).toHaveLength(4);
      expect(second.listener.assignment).toBeUndefined();
      endDrain();
      await bothHaveTwo(first, second);
      const [lost = -1] = second.listener.assignment ?? [];
      await second.listener.until(() => second.listener.values(lost).length > 0);
      expect(second.listener.values(lost)).toEqual(['b']);
    },
    perSpecMs,
  );

  it(
    'shares the partitions out, each to one member; who was there keeps some of its own and stays the member that it was',
    async () => {
      const topic = await topicOf(4);
      const first = await alone(topic);
      const second = joining(topic);
      await bothHaveTwo(first, second);
      const { listener } = first;
      const assignedNow = [...(listener.assignment ?? []), ...(second.listener.assignment ?? [])];
      expect(assignedNow.toSorted((a, b) => a - b)).toEqual(ALL);
      const assigned = listener.calls.filter((call) => call.type === 'assigned');
      expect(assigned.map(({ kept }) => kept)).toEqual([false, ...assigned.slice(1).map(() => true)]);
      // A third one takes from both, and from none what it doesn't get.
      const had = [first, second].map(({ listener: each }) => each.assignment ?? []);
      const third = joining(topic);
      await third.listener.until(() => third.listener.assignment?.length === 1);
      const [taken = -1] = third.listener.assignment ?? [];
      for (const [index, { listener: each }] of [first, second].entries()) {
        const kept = (had[index] ?? []).filter((partition) => partition !== taken);
        await each.until(() => each.assignment?.length === kept.length);
        expect(each.assignment).toEqual(expect.arrayContaining(kept));
      }
    },
    perSpecMs,
  );

  it(
    'gives the partitions of a member that stops to the others, who begin where it committed',
    async () => {
      const topic = await topicOf(4);
      for (const partition of ALL) await topic.append(partition, 'a', 'b');
      const first = await alone(topic);
      const second = joining(topic);
      await bothHaveTwo(first, second);
      const left = first.listener.assignment ?? [];
      await first.broker.commit(left.map((partition) => ({ ...topic.at(partition), offset: 1 })));
      await first.broker.stop();
      const { listener } = second;
      await listener.until(() => listener.assignment?.length === 4);
      await listener.until(() => left.every((partition) => listener.values(partition).length > 0));
      for (const partition of left) expect(listener.values(partition)).toEqual(['b']);
    },
    perSpecMs,
  );

  it(
    'lets a heartbeat throw once a rebalance is due, and goes on after it',
    async () => {
      const topic = await topicOf(4);
      await topic.append(0, 'a');
      let thrown: unknown;
      const first = await alone(topic, {
        fetched: async (batch) => {
          while (thrown === undefined)
            try {
              await batch.heartbeat();
              await new Promise<void>((resolve) => void setImmediate(resolve));
            } catch (error) {
              thrown = error;
              throw error;
            }
          return undefined;
        },
      });
      await first.listener.until(() => first.listener.fetches(0).length === 1);
      await bothHaveTwo(first, joining(topic));
      expect(thrown).toBeInstanceOf(Error);
    },
    perSpecMs,
  );

  it(
    'lets nobody commit who has left',
    async () => {
      const topic = await topicOf(4);
      await topic.append(0, 'a', 'b');
      const first = await alone(topic);
      await first.broker.commit([{ ...topic.at(0), offset: 1 }]);
      await first.broker.stop();
      // Without any effect, said or unsaid: kafkajs says nothing.
      await first.broker.commit([{ ...topic.at(0), offset: 2 }]).catch((error: unknown) => error);
      const second = await alone(topic);
      expect((await topic.committed(second.broker, 0)).offset).toBe(1);
    },
    perSpecMs,
  );

  it(
    'tells whether it is in the group',
    async () => {
      const topic = await topicOf(4);
      const broker = topic.member();
      expect(broker.health.joined).toBe(false);
      const listener = new RecordingListener();
      await broker.start(listener);
      await listener.until(() => listener.assignment?.length === 4);
      expect(broker.health.joined).toBe(true);
      await broker.stop();
      expect(broker.health.joined).toBe(false);
    },
    perSpecMs,
  );
}
