import { expect, it } from '@jest/globals';
import type { ContractTopic, MakeTopic } from './contract-kafka.js';
import { RecordingListener, type Behaviour } from './recording-listener.js';

const ALL = [0, 1, 2, 3];

/** Starts a member of a cooperative group. */
async function start(topic: ContractTopic, behaviour: Behaviour = {}) {
  const broker = topic.cooperativeMember();
  const listener = new RecordingListener(broker, behaviour);
  await broker.start(listener);
  return { broker, listener };
}

/** Defines the contract of a group that rebalances cooperatively. */
export function describeCooperation(makeTopic: MakeTopic): void {
  it('goes on with the partitions that stay in a cooperative group, and moves the others once they are surrendered', async () => {
    const topic = await makeTopic(4);
    for (const partition of ALL) await topic.append(partition, 'a', 'b');
    const drain = Promise.withResolvers<void>();
    const first = await start(topic, { surrendering: async () => drain.promise });
    await first.listener.until(() => first.listener.assignment?.length === 4);
    const second = await start(topic);
    await first.listener.until(() => first.listener.surrendered.length > 0);
    const moving = first.listener.surrendered;
    const staying = ALL.filter((partition) => !moving.includes(partition));
    expect([moving.length, staying.length]).toEqual([2, 2]);
    // While it drains, it is a member, reads on, and commits.
    for (const partition of staying) await topic.append(partition, 'c');
    await first.listener.until(() => staying.every((partition) => first.listener.values(partition).at(-1) === 'c'));
    await first.broker.commit(moving.map((partition) => ({ ...topic.at(partition), offset: 1 })));
    expect(first.broker.health.joined).toBe(true);
    expect(second.listener.assignment ?? []).toEqual([]);
    drain.resolve();
    await second.listener.until(() => second.listener.assignment?.length === 2);
    await second.listener.until(() => moving.every((partition) => second.listener.values(partition).length > 0));
    for (const partition of moving) expect(second.listener.values(partition)).toEqual(['b']);
    expect(first.listener.assignment?.toSorted()).toEqual(staying);
    // It read each record of these once: no rebalance interrupted it.
    for (const partition of staying) expect(first.listener.values(partition)).toEqual(['a', 'b', 'c']);
    expect([first, second].flatMap(({ listener }) => listener.calls.map(({ type }) => type))).not.toContain(
      'rebalancing',
    );
  });

  it('assigns all partitions of a member that stops, in a cooperative group, to the others, which keep theirs', async () => {
    const topic = await makeTopic(4);
    const first = await start(topic);
    await first.listener.until(() => first.listener.assignment?.length === 4);
    const second = await start(topic);
    await second.listener.until(() => second.listener.assignment?.length === 2);
    await second.broker.stop();
    await first.listener.until(() => first.listener.assignment?.length === 4 && first.listener.surrendered.length > 0);
    for (const partition of ALL) await topic.append(partition, 'a');
    await first.listener.until(() => ALL.every((partition) => first.listener.values(partition).length > 0));
    for (const partition of ALL) expect(first.listener.values(partition)).toEqual(['a']);
  });

  it('accepts commits of a cooperative member while its group waits for another one that drains', async () => {
    const topic = await makeTopic(4);
    const drain = Promise.withResolvers<void>();
    const slow = await start(topic, { surrendering: async () => drain.promise });
    await slow.listener.until(() => slow.listener.assignment?.length === 4);
    const other = await start(topic);
    await slow.listener.until(() => slow.listener.surrendered.length > 0);
    // It joins a rebalance in which the draining member is missing.
    const third = await start(topic);
    await other.listener.until(() => other.listener.assignment !== undefined);
    for (const partition of ALL) await slow.broker.commit([{ ...topic.at(partition), offset: partition }]);
    drain.resolve();
    await third.listener.until(() => third.listener.assignment?.length === 1);
    const position = await topic.committed(third.broker, third.listener.assignment?.[0] ?? -1);
    expect(position.offset).toBe(position.partition);
  });
}
