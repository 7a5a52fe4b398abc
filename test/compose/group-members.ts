import kafkajs from 'kafkajs';

const GROUP = 'orders-savers';

/**
 * Returns the number of partitions of each member of the consumer group; undefined during a rebalance. It connects from the
 * host, which also tests Kafka's second listener.
 */
export async function partitionsOfMembers(kafkaPort: number): Promise<number[] | undefined> {
  const kafka = new kafkajs.Kafka({
    clientId: 'compose-test',
    brokers: [`127.0.0.1:${kafkaPort}`],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups([GROUP]);
    const group = groups[0];
    if (group?.state !== 'Stable') return undefined;
    return group.members.map(({ memberAssignment }) => {
      const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment);
      return Object.values(decoded?.assignment ?? {}).flat().length;
    });
  } finally {
    await admin.disconnect();
  }
}
