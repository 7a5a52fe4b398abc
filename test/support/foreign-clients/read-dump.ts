import { PYMONGO, runPython } from './python-packages.js';

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
  return runPython('read_dump.py', [PYMONGO], folder, mongodbUri, ...collections);
}
