import { expect, it } from '@jest/globals';
import type { Broker } from '../kafka/broker.js';
import type { ContractTopic, MakeTopic } from './contract-kafka.js';
import { RecordingListener, type Behaviour } from './recording-listener.js';

const ALL = [0, 1, 2, 3];

interface Member {
  readonly broker: Broker;
  readonly listener: RecordingListener;
  readonly started: Promise<void>;
}

function joining(topic: ContractTopic, behaviour: Behaviour = {}): Member {
  const broker = topic.member();
  const listener = new RecordingListener(broker, behaviour);
  return { broker, listener, started: broker.start(listener) };
}

/** A member that has all four partitions. */
async function alone(topic: ContractTopic, behaviour: Behaviour = {}): Promise<Member> {
  const member = joining(topic, behaviour);
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
    'ends the reads of partitions that are taken away, and lets those that are kept go on',
    async () => {
      const topic = await topicOf(4);
      const first = await alone(topic);
      const second = joining(topic);
      await bothHaveTwo(first, second);
      const kept = first.listener.assignment ?? [];
      const taken = ALL.filter((partition) => !kept.includes(partition));
      for (const partition of ALL) await topic.append(partition, 'a');
      await first.listener.until(() => kept.every((partition) => first.listener.values(partition).length === 1));
      await second.listener.until(() => taken.every((partition) => second.listener.values(partition).length === 1));
      for (const partition of taken) expect(first.listener.values(partition)).toEqual([]);
      for (const partition of kept) expect(second.listener.values(partition)).toEqual([]);
    },
    perSpecMs,
  );

  it(
    'resolves start before it is in the group, and leaves no member behind when it is stopped in its first join',
    async () => {
      const topic = await topicOf(4);
      const first = joining(topic);
      await first.started;
      expect(first.broker.health.joined).toBe(false);
      await first.broker.stop();
      expect(first.listener.assignment).toBeUndefined();
      // A member that stayed behind would hold the partitions until its session is over, which is longer than this waits.
      const startedAt = performance.now();
      await alone(topic);
      expect(performance.now() - startedAt).toBeLessThan(8_000);
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
      const listener = new RecordingListener(broker);
      await broker.start(listener);
      await listener.until(() => listener.assignment?.length === 4);
      expect(broker.health.joined).toBe(true);
      await broker.stop();
      expect(broker.health.joined).toBe(false);
    },
    perSpecMs,
  );
}
