import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { KafkajsConnections, type KafkaApi } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka } from 'kafkajs';
import type { StackUser } from './stack-user.js';

/** Kafka's number of SCRAM-SHA-512. */
const SCRAM_SHA_512 = 2;
const HASH_BYTES = 64;
const SALT_BYTES = 32;
/** The least that Kafka accepts: the passwords are long and random, and each connection costs this many hashes. */
const ITERATIONS = 4_096;

interface ScramResult {
  readonly user: string;
  readonly error: string | undefined;
}

/** AlterUserScramCredentials, which kafkajs lacks (KIP-554). The password itself never leaves this process. */
const ALTER_SCRAM_CREDENTIALS: KafkaApi<readonly StackUser[], readonly ScramResult[]> = {
  name: 'AlterUserScramCredentials',
  key: 51,
  version: 0,
  encode: (writer, users) => {
    writer.compactArray([], () => undefined);
    writer.compactArray(users, ({ name, password }) => {
      const salt = randomBytes(SALT_BYTES);
      writer.compactString(name).int8(SCRAM_SHA_512).int32(ITERATIONS);
      writer
        .compactBytes(salt)
        .compactBytes(pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, 'sha512'))
        .noTags();
    });
    writer.noTags();
  },
  decode: (reader) => {
    reader.int32();
    return reader.compactArray(() => {
      const user = reader.compactString() ?? '';
      const code = reader.int16();
      const message = reader.compactString() ?? `error ${code}`;
      reader.tags();
      return { user, error: code === 0 ? undefined : message };
    });
  },
};

/** Creates users, or gives those that exist a new password. @throws Error that names the first user that Kafka rejects */
export async function setKafkaUsers(kafka: Kafka, users: readonly StackUser[]): Promise<void> {
  const connections = new KafkajsConnections(kafka);
  try {
    const results = await connections.requestAny(ALTER_SCRAM_CREDENTIALS, users);
    const rejected = results.find(({ error }) => error !== undefined);
    if (rejected !== undefined) throw new Error(`Kafka rejects the user ${rejected.user}: ${rejected.error}`);
  } finally {
    await connections.close();
  }
}
