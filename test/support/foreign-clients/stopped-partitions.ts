import type { PartitionStatus } from '@orders-pipeline/parallel-consumer';
import { eventually } from '../eventually.js';
import type { MemberProcess } from '../member/member-process.js';

export type Stopped = NonNullable<PartitionStatus['stopped']>;

/** Waits until the member's status shows the partition as stopped. The error of a wait that hangs has the whole status. */
export async function untilStopped(member: MemberProcess, partition: number): Promise<Stopped> {
  let stopped: PartitionStatus['stopped'];
  const isStopped = async (): Promise<boolean> => {
    stopped = await stoppedPartition(member, partition);
    return stopped !== undefined;
  };
  await eventually(`partition ${partition} is stopped`, isStopped).catch(async (error: unknown) => {
    const log = member.log.slice(-4).map(({ level, message }) => `${level} ${message}`);
    const status = JSON.stringify(await member.status());
    throw new Error([String(error), status, ...log].join('\n  '), { cause: error });
  });
  if (stopped === undefined) throw new Error(`partition ${partition} is no longer stopped`);
  return stopped;
}

async function stoppedPartition(member: MemberProcess, partition: number): Promise<PartitionStatus['stopped']> {
  const { partitions } = await member.status();
  return partitions.find((each) => each.partition === partition)?.stopped;
}

/** Returns whether the member logged an error with this topic, partition and offset among its fields. */
export function loggedError(member: MemberProcess, topic: string, partition: number, offset: number): boolean {
  return member.log.some(({ level, details }) => {
    const names = details['topic'] === topic && details['partition'] === partition;
    return level === 'error' && names && Object.values(details).includes(offset);
  });
}
