import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { KafkajsConnections, type KafkaApi } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { Kafka } from 'kafkajs';
import type { ServerUser } from './server-user.js';

/** Kafka's number of SCRAM-SHA-512. */
const SCRAM_SHA_512 = 2;
const HASH_BYTES = 64;
const SALT_BYTES = 32;
/** The least that Kafka accepts: the passwords are long and random, and each connection costs this many hashes. */
const ITERATIONS = 4_096;

/** Kafka's error for a user to remove that does not exist. */
const RESOURCE_NOT_FOUND = 91;

interface ScramResult {
  readonly user: string;
  /** 0: done. */
  readonly code: number;
  readonly message: string;
}

interface ScramChange {
  /** Users to create, or to give a new password. */
  readonly set: readonly ServerUser[];
  /** Names of users to remove. */
  readonly remove: readonly string[];
}

/** AlterUserScramCredentials, which kafkajs lacks (KIP-554). The password itself never leaves this process. */
const ALTER_SCRAM_CREDENTIALS: KafkaApi<ScramChange, readonly ScramResult[]> = {
  name: 'AlterUserScramCredentials',
  key: 51,
  version: 0,
  encode: (writer, { set, remove }) => {
    writer.compactArray(remove, (name) => {
      writer.compactString(name).int8(SCRAM_SHA_512).noTags();
    });
    writer.compactArray(set, ({ name, password }) => {
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
      return { user, code, message };
    });
  },
};

/** Creates users, or gives those that exist a new password. @throws Error that names the first user that Kafka rejects */
export async function setKafkaUsers(kafka: Kafka, users: readonly ServerUser[]): Promise<void> {
  await change(kafka, { set: users, remove: [] });
}

/** Removes users; one that does not exist is fine. Their open connections stay. @throws Error that names the first user that Kafka rejects */
export async function removeKafkaUsers(kafka: Kafka, names: readonly string[]): Promise<void> {
  await change(kafka, { set: [], remove: names });
}

async function change(kafka: Kafka, wanted: ScramChange): Promise<void> {
  const connections = new KafkajsConnections(kafka);
  try {
    const results = await connections.requestAny(ALTER_SCRAM_CREDENTIALS, wanted);
    const rejected = results.find(({ code }) => code !== 0 && code !== RESOURCE_NOT_FOUND);
    if (rejected !== undefined) throw new Error(`Kafka rejects the user ${rejected.user}: ${rejected.message}`);
  } finally {
    await connections.close();
  }
}
