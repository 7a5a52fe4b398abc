import kafkajs from 'kafkajs';

const GROUP = 'orders-savers';

/**
 * How many partitions each member of the consumer group has, asked from the host, so that this also shows that Kafka's
 * second listener works. Undefined while the group is rebalancing.
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
