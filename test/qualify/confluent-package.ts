import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { runClient } from '../../dev/parts/package-clients.js';
import { installPart } from '../../dev/parts/parts.js';
import { StackError } from '../../dev/stack-error.js';
import { provideTestPart } from '../support/foreign-clients/test-part.js';

export const CONFLUENT_VERSION = '1.10.1';
const BUILT_WITHIN_MS = 900_000;
/** What librdkafka is linked with. Without `CKJS_LINKING=dynamic`, its build fetches the sources of all of them. */
const LIBRARIES = 'libcurl4-openssl-dev liblz4-dev libsasl2-dev libssl-dev libzstd-dev zlib1g-dev';
const HEADERS = ['curl/curl.h', 'lz4.h', 'sasl/sasl.h', 'openssl/ssl.h', 'zstd.h', 'zlib.h'];
const INCLUDES = ['/usr/include', '/usr/include/x86_64-linux-gnu', '/usr/include/aarch64-linux-gnu'];

/** Confluent's client, and a Node.js that can load it. */
export interface ConfluentPackage {
  readonly node: string;
  readonly directory: string;
}

/**
 * Finds Confluent's client in the cache, or builds it: its installer would fetch a binary from GitHub.
 * @throws StackError `client-missing` with what is missing
 */
export async function provideConfluent(): Promise<ConfluentPackage> {
  const node = nodeWithHeaders();
  const missing = HEADERS.filter((header) => !INCLUDES.some((folder) => existsSync(join(folder, header))));
  if (missing.length > 0) throw notBuilt(`${missing.join(', ')} are missing`, `apt-get install ${LIBRARIES}`);
  const { stdout } = await promisify(execFile)(node, ['--print', 'process.versions.modules']);
  const name = `@confluentinc/kafka-javascript@${CONFLUENT_VERSION}`;
  const directory = await provideTestPart(`confluent-${CONFLUENT_VERSION}-${stdout.trim()}`, async (part) =>
    installPart(part, async (folder) => {
      await writeFile(join(folder, 'package.json'), '{ "private": true }');
      await runClient({
        command: 'npm',
        args: ['install', '--no-audit', '--no-fund', name],
        cwd: folder,
        env: { PATH: [dirname(node), process.env['PATH']].join(delimiter), CKJS_LINKING: 'dynamic' },
        fetching: name,
        signal: AbortSignal.timeout(BUILT_WITHIN_MS),
      });
    }),
  );
  return { node, directory };
}

/** The package of this project's Node.js has no headers, and the installer would fetch them. */
function nodeWithHeaders(): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .find((folder) => existsSync(join(folder, 'node')) && existsSync(join(folder, '../include/node/node_api.h')));
  if (found === undefined)
    throw notBuilt('no node on the PATH has its headers beside it', 'Install Node.js with its headers.');
  return join(found, 'node');
}

function notBuilt(why: string, remedy: string): StackError {
  return new StackError('client-missing', `The client confluent can't be built here: ${why}.`, remedy);
}
