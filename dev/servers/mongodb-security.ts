import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MongoClientOptions } from 'mongodb';
import type { PrivateAuthority } from './private-authority.js';

/** TLS and users of a MongoDB. */
export interface MongodbSecurity {
  readonly authority: PrivateAuthority;
  /** The file with the authority's certificate, for clients. */
  readonly authorityFile: string;
  /** The contents of the key file. All members of a set need the same one; it may change when all are restarted. */
  readonly key: string;
}

const KEY_FILE = 'key-file';
const CERTIFICATE_FILE = 'member.pem';
const AUTHORITY_FILE = 'authority.pem';

/** Writes a member's new certificate, its authority and the key file. Only the owner can read them, as mongod requires. */
export async function writeMongodbFiles({ authority, key }: MongodbSecurity, directory: string): Promise<void> {
  const { certificate, key: privateKey } = await authority.issue('orders-mongodb', ['127.0.0.1']);
  const write = async (name: string, content: string): Promise<void> =>
    writeFile(join(directory, name), content, { mode: 0o600 });
  await write(KEY_FILE, key);
  await write(CERTIFICATE_FILE, `${certificate}\n${privateKey}\n`);
  await write(AUTHORITY_FILE, authority.certificate);
}

/** Returns mongod's arguments: no connection without TLS, and no command without a user. */
export function securityArguments(directory: string): string[] {
  return [
    '--keyFile',
    join(directory, KEY_FILE),
    '--tlsMode',
    'requireTLS',
    '--tlsCertificateKeyFile',
    join(directory, CERTIFICATE_FILE),
    '--tlsCAFile',
    join(directory, AUTHORITY_FILE),
    // Clients sign in with a password.
    '--tlsAllowConnectionsWithoutCertificates',
    '--setParameter',
    'authenticationMechanisms=SCRAM-SHA-256',
  ];
}

/**
 * Returns how this process signs in as the set itself, by the key file. Nothing else exists before the first user, and users of an
 * earlier start have passwords that nothing keeps.
 */
export function keyAccess({ authorityFile, key }: MongodbSecurity): MongoClientOptions {
  return {
    tls: true,
    tlsCAFile: authorityFile,
    auth: { username: '__system', password: key },
    authSource: 'local',
    authMechanism: 'SCRAM-SHA-256',
  };
}
