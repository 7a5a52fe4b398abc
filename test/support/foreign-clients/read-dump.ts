import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { providePythonPackages, PYMONGO } from './python-packages.js';

const SCRIPT = join(PROJECT_DIRECTORY, 'test/support/foreign-clients/read_dump.py');

/** What `read_dump.py` says about a collection. */
export interface ReadDump {
  readonly documents: number;
  readonly sameBytes: boolean;
  readonly options: object;
  readonly indexes: readonly string[];
}

/** Reads collections of a dump by pymongo, and compares them with a database. @param folder that of the database in the backup */
export async function readDumpByPymongo(
  folder: string,
  mongodbUri: string,
  ...collections: readonly string[]
): Promise<Readonly<Record<string, ReadDump>>> {
  const env = { ...process.env, PYTHONPATH: await providePythonPackages(PYMONGO) };
  const { stdout } = await promisify(execFile)('python3', [SCRIPT, folder, mongodbUri, ...collections], { env });
  return JSON.parse(stdout) as Record<string, ReadDump>;
}
