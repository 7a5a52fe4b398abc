import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KafkaTools } from './kafka-tools.js';

/** Kafka's scripts, each with the class that it runs, in `org.apache.kafka.tools`. They are not in Kafka's jars. */
const SCRIPTS = {
  'kafka-acls.sh': 'AclCommand',
  'kafka-configs.sh': 'ConfigCommand',
  'kafka-consumer-groups.sh': 'consumer.group.ConsumerGroupCommand',
  'kafka-leader-election.sh': 'LeaderElectionCommand',
  'kafka-topics.sh': 'TopicCommand',
} as const;

/** Writes Kafka's scripts into a new folder. @returns the folder, which the caller removes */
export async function writeKafkaScripts(): Promise<string> {
  const tools = await KafkaTools.provide();
  const folder = await mkdtemp(join(tmpdir(), 'kafka-scripts-'));
  for (const [script, tool] of Object.entries(SCRIPTS)) {
    const file = join(folder, script);
    await writeFile(file, `#!/bin/sh\nexec ${tools.commandLine(tool).join(' ')} "$@"\n`);
    await chmod(file, 0o755);
  }
  return folder;
}
