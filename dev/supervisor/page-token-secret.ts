import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../machine/process-table.js';

/** The key that page tokens are signed with, kept so that tokens stay good across restarts. Only its owner may read it. */
export function pageTokenSecret(dataDirectory: string): string {
  const path = join(dataDirectory, 'page-token-secret');
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  return secret;
}
