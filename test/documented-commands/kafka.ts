import { expect, it } from '@jest/globals';
import { MINUTE, type OperatorShell } from './operator-shell.js';

/** @param shell returns the shell that these specs share with others */
export function kafkaCommandSpecs(shell: () => OperatorShell): void {
  const at = (): Record<string, string> => ({ 'HOST:9092': shell().pipeline.brokers });

  it(
    'describe the topic, its replicas and the group',
    async () => {
      const topic = await shell().output(
        'kafka-topics.sh --bootstrap-server HOST:9092 --describe --topic orders.v1',
        at(),
      );
      expect(topic).toMatch(/Topic: orders\.v1.*PartitionCount: 12/);
      const lacking = [
        'kafka-topics.sh --bootstrap-server HOST:9092 --describe --topic orders.v1 --under-min-isr-partitions',
        'kafka-topics.sh --bootstrap-server HOST:9092 --describe --under-replicated-partitions',
      ] as const;
      for (const command of lacking) expect((await shell().output(command, at())).trim()).toBe('');
      const group = await shell().output(
        'kafka-consumer-groups.sh --bootstrap-server HOST:9092 --describe --group orders-savers --state',
        at(),
      );
      expect(group).toMatch(/orders-savers .*Stable/);
    },
    // Each of the four starts a Java program.
    4 * MINUTE,
  );

  it(
    'move the leaders back',
    async () => {
      const election =
        'kafka-leader-election.sh --bootstrap-server HOST:9092 --election-type PREFERRED --all-topic-partitions';
      expect((await shell().run(election, at())).code).toBe(0);
    },
    MINUTE,
  );

  it(
    'compare the topics of three brokers, which the settings name',
    async () => {
      const settings = 'export KAFKA_BROKERS=kafka-1:9092,kafka-2:9092,kafka-3:9092';
      const place = { 'kafka-1:9092,kafka-2:9092,kafka-3:9092': shell().pipeline.brokers };
      const { code, stdout } = await shell().run([settings, 'npm run admin -- topics plan'], place);
      // The topics have one copy here.
      expect([code, stdout]).toEqual([1, expect.stringContaining('orders.v1')]);
    },
    MINUTE,
  );
}
