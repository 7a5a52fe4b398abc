import { createRequire } from 'node:module';
import { VERSIONS } from '../../../dev/parts/versions.js';

/** Of servers and clients, as they run here. */
export function testedVersions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const of = (name: string): string => (require(`${name}/package.json`) as { version: string }).version;
  return {
    Kafka: VERSIONS.kafka,
    'Apicurio Registry': VERSIONS.registry,
    // Of the wheel, on Linux.
    MongoDB: process.platform === 'linux' ? '6.0.5' : VERSIONS.mongodDownload,
    'Node.js': process.version.slice(1),
    kafkajs: of('kafkajs'),
    mongodb: of('mongodb'),
  };
}
