import { createRequire } from 'node:module';
import { VERSIONS } from '../../../dev/parts/versions.js';

/** Of servers and clients, as they run here. @param mongodb as its servers tell, since it may be this machine's own */
export function testedVersions(mongodb: string): Record<string, string> {
  const require = createRequire(import.meta.url);
  const of = (name: string): string => (require(`${name}/package.json`) as { version: string }).version;
  return {
    Kafka: VERSIONS.kafka,
    'Apicurio Registry': VERSIONS.registry,
    MongoDB: mongodb,
    'Node.js': process.version.slice(1),
    kafkajs: of('kafkajs'),
    mongodb: of('mongodb'),
  };
}
