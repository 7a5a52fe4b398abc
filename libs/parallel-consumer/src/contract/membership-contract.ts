import { expect, it } from '@jest/globals';
import type { Broker } from '../broker/broker.js';
import type { ContractTopic, MakeTopic } from './contract-kafka.js';
import { RecordingListener, type Behaviour } from './recording-listener.js';

const ALL = [0, 1, 2, 3];

interface Member {
  readonly broker: Broker;
  readonly listener: RecordingListener;
  readonly started: Promise<void>;
}

function startJoining(topic: ContractTopic, behaviour: Behaviour = {}): Member {
  const broker = topic.member();
  const listener = new RecordingListener(broker, behaviour);
  return { broker, listener, started: broker.start(listener) };
}

/** Starts a member and waits until it owns all four partitions. */
async function joinAlone(topic: ContractTopic, behaviour: Behaviour = {}): Promise<Member> {
  const member = startJoining(topic, behaviour);
  await member.listener.until(() => member.listener.assignment?.length === 4);
  return member;
}

async function untilBothHaveTwo({ listener: one }: Member, { listener: other }: Member): Promise<void> {
  await one.until(() => one.assignment?.length === 2);
  await other.until(() => other.assignment?.length === 2);
}

/** Defines the contract of a group whose members join and leave. */
export function describeMembership(makeTopic: MakeTopic): void {
  it('waits for the members to drain before a rebalance, and accepts their commits meanwhile', async () => {
    const topic = await makeTopic(4);
    for (const partition of ALL) await topic.append(partition, 'a', 'b');
    const { promise: drained, resolve: endDrain } = Promise.withResolvers<void>();
    const joins = { count: 0 };
    const rebalancing = async (): Promise<void> => {
      joins.count += 1;
      // The first call is the member's own join.
      if (first !== undefined) await drained;
    };
    let first: Member | undefined;
    first = await joinAlone(topic, { rebalancing });
    const second = startJoining(topic);
    const before = joins.count;
    const { listener } = first;
    await listener.until(() => joins.count > before);
    await first.broker.commit(ALL.map((partition) => ({ ...topic.at(partition), offset: 1 })));
    expect(listener.assignment).toHaveLength(4);
    expect(second.listener.assignment).toBeUndefined();
    endDrain();
    await untilBothHaveTwo(first, second);
    const [lost = -1] = second.listener.assignment ?? [];
    await second.listener.until(() => second.listener.values(lost).length > 0);
    expect(second.listener.values(lost)).toEqual(['b']);
  });

  it('assigns each partition to one member; an existing member keeps some of its partitions and its identity', async () => {
    const topic = await makeTopic(4);
    const first = await joinAlone(topic);
    const second = startJoining(topic);
    await untilBothHaveTwo(first, second);
    const { listener } = first;
    const assignedNow = [...(listener.assignment ?? []), ...(second.listener.assignment ?? [])];
    expect(assignedNow.toSorted((a, b) => a - b)).toEqual(ALL);
    const assigned = listener.calls.filter((call) => call.type === 'assigned');
    expect(assigned.map(({ kept }) => kept)).toEqual([false, ...assigned.slice(1).map(() => true)]);
    // A third member takes one partition; the others keep all their other partitions.
    const had = [first, second].map(({ listener: each }) => each.assignment ?? []);
    const third = startJoining(topic);
    await third.listener.until(() => third.listener.assignment?.length === 1);
    const [taken = -1] = third.listener.assignment ?? [];
    for (const [index, { listener: each }] of [first, second].entries()) {
      const kept = (had[index] ?? []).filter((partition) => partition !== taken);
      await each.until(() => each.assignment?.length === kept.length);
      expect(each.assignment).toEqual(expect.arrayContaining(kept));
    }
  });

  it('reassigns the partitions of a member that stops; the new owner starts at the committed offsets', async () => {
    const topic = await makeTopic(4);
    for (const partition of ALL) await topic.append(partition, 'a', 'b');
    const first = await joinAlone(topic);
    const second = startJoining(topic);
    await untilBothHaveTwo(first, second);
    const left = first.listener.assignment ?? [];
    await first.broker.commit(left.map((partition) => ({ ...topic.at(partition), offset: 1 })));
    await first.broker.stop();
    const { listener } = second;
    await listener.until(() => listener.assignment?.length === 4);
    await listener.until(() => left.every((partition) => listener.values(partition).length > 0));
    for (const partition of left) expect(listener.values(partition)).toEqual(['b']);
  });

  it('ends the reads of revoked partitions and continues those of kept partitions', async () => {
    const topic = await makeTopic(4);
    const first = await joinAlone(topic);
    const second = startJoining(topic);
    await untilBothHaveTwo(first, second);
    const kept = first.listener.assignment ?? [];
    const taken = ALL.filter((partition) => !kept.includes(partition));
    for (const partition of ALL) await topic.append(partition, 'a');
    await first.listener.until(() => kept.every((partition) => first.listener.values(partition).length === 1));
    await second.listener.until(() => taken.every((partition) => second.listener.values(partition).length === 1));
    for (const partition of taken) expect(first.listener.values(partition)).toEqual([]);
    for (const partition of kept) expect(second.listener.values(partition)).toEqual([]);
  });

  it('resolves start before it is in the group, and leaves no member behind when stopped during the first join', async () => {
    const topic = await makeTopic(4);
    const first = startJoining(topic);
    await first.started;
    expect(first.broker.health.joined).toBe(false);
    await first.broker.stop();
    expect(first.listener.assignment).toBeUndefined();
    // A leftover member would own the partitions until its session expires: this would not end.
    await joinAlone(topic);
  });

  it('stores no commits of a member that has left', async () => {
    const topic = await makeTopic(4);
    await topic.append(0, 'a', 'b');
    const first = await joinAlone(topic);
    await first.broker.commit([{ ...topic.at(0), offset: 1 }]);
    await first.broker.stop();
    // The commit must have no effect, whether it is rejected or not: kafkajs reports no error.
    await first.broker.commit([{ ...topic.at(0), offset: 2 }]).catch((error: unknown) => error);
    const second = await joinAlone(topic);
    expect((await topic.committed(second.broker, 0)).offset).toBe(1);
  });

  it('reports whether it is in the group', async () => {
    const topic = await makeTopic(4);
    const broker = topic.member();
    expect(broker.health.joined).toBe(false);
    const listener = new RecordingListener(broker);
    await broker.start(listener);
    await listener.until(() => listener.assignment?.length === 4);
    expect(broker.health.joined).toBe(true);
    await broker.stop();
    expect(broker.health.joined).toBe(false);
  });
}
