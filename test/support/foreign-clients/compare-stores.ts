import { CONFLUENT_KAFKA, FASTAVRO, PYMONGO, runPython } from './python-packages.js';

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
  const packages = [CONFLUENT_KAFKA, FASTAVRO, PYMONGO];
  return runPython('compare_stores.py', packages, brokers, registryUrl, mongodbUri);
}
