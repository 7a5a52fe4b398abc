import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../machine/process-table.js';

/** Returns the key that signs page tokens, stored so that tokens remain valid across restarts. Only its owner can read the file. */
export function pageTokenSecret(dataDirectory: string): string {
  const path = pageTokenSecretFile(dataDirectory);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  return secret;
}

export function pageTokenSecretFile(dataDirectory: string): string {
  return join(dataDirectory, 'page-token-secret');
}
