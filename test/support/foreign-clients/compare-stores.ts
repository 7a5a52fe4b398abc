import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { CONFLUENT_KAFKA, FASTAVRO, providePythonPackages, PYMONGO } from './python-packages.js';

const SCRIPT = join(PROJECT_DIRECTORY, 'test/support/foreign-clients/compare_stores.py');

/** What `compare_stores.py` has found. */
export interface StoreComparison {
  readonly records: number;
  readonly undecodable: number;
  readonly deadLetters: number;
  readonly stored: number;
  readonly lost: number;
  readonly doubled: number;
  readonly foreign: number;
  readonly counterLow: boolean;
  readonly examples: readonly string[];
}

export interface ComparedStores {
  readonly brokers: string;
  readonly registryUrl: string;
  readonly mongodbUri: string;
}

/** Compares Kafka with MongoDB by librdkafka, fastavro and pymongo, in Python. */
export async function compareStores({ brokers, registryUrl, mongodbUri }: ComparedStores): Promise<StoreComparison> {
  const packages = await providePythonPackages(CONFLUENT_KAFKA, FASTAVRO, PYMONGO);
  const env = { ...process.env, PYTHONPATH: packages };
  const { stdout } = await promisify(execFile)('python3', [SCRIPT, brokers, registryUrl, mongodbUri], { env });
  return JSON.parse(stdout) as StoreComparison;
}
