import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { runClient } from '../../../dev/parts/package-client.js';
import { installPart } from '../../../dev/parts/part.js';
import { provideTestPart } from './test-part.js';

const VERSION = '2.16.1';
const FETCH_WITHIN_MS = 240_000;
const FETCHING = `confluent-kafka ${VERSION}`;

/** Returns the folder of the Python package `confluent-kafka`, which brings librdkafka; pip fetches it once into the cache. */
export async function provideLibrdkafka(): Promise<string> {
  // The wheel is built for one Python version: another python3 on the PATH needs another wheel.
  const { stdout } = await promisify(execFile)('python3', ['-c', 'import sys; print(sys.implementation.cache_tag)']);
  return provideTestPart(`confluent-kafka-${VERSION}-${stdout.trim()}`, (part) =>
    installPart(part, (directory) =>
      runClient({
        command: 'python3',
        args: ['-m', 'pip', 'install', '--quiet', '--no-input', '--target', directory, `confluent-kafka==${VERSION}`],
        // A `user = true` in the user's pip settings can't be combined with --target.
        env: { PIP_USER: '0', PIP_ROOT_USER_ACTION: 'ignore' },
        fetching: FETCHING,
        signal: AbortSignal.timeout(FETCH_WITHIN_MS),
      }),
    ),
  );
}
