import type { Admin } from 'kafkajs';
import type { Db } from 'mongodb';

interface MemberStatus {
  readonly name: string;
  readonly health: number;
  readonly stateStr: string;
}

const SERVING = new Set(['PRIMARY', 'SECONDARY']);

/**
 * Returns what is missing until any one broker may be stopped: a broker, or a copy of a partition that is in sync. Without `Describe` on a
 * topic, the topic is not seen.
 */
export async function kafkaObstacles(admin: Admin, brokers: number): Promise<string[]> {
  const { brokers: found } = await admin.describeCluster();
  const { topics } = await admin.fetchTopicMetadata();
  const behind = topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ isr, replicas, leader }) => leader < 0 || isr.length < replicas.length)
      .map(({ partitionId }) => `${name}-${partitionId}`),
  );
  return [
    ...(found.length < brokers ? [`${found.length} of ${brokers} brokers of Kafka are up`] : []),
    ...(behind.length > 0
      ? [`${behind.length} partitions have copies that are not in sync, such as ${behind[0]}`]
      : []),
  ];
}

/** Returns what is missing until any one member may be stopped. Needs `replSetGetStatus`. @param admin the database `admin` */
export async function mongodbObstacles(admin: Db): Promise<string[]> {
  const { members } = (await admin.command({ replSetGetStatus: 1 })) as { members: readonly MemberStatus[] };
  const away = members.filter(({ health, stateStr }) => health !== 1 || !SERVING.has(stateStr));
  const hasPrimary = members.some(({ stateStr }) => stateStr === 'PRIMARY');
  return [
    ...(hasPrimary ? [] : ['MongoDB has no primary']),
    ...away.map(({ name, stateStr }) => `the member ${name} of MongoDB is in the state ${stateStr}`),
  ];
}
