import { createRequire } from 'node:module';
import { VERSIONS } from '../../../dev/parts/versions.js';

/** Returns the versions of servers and clients. @param mongodb version reported by the server, which may be this machine's own build */
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
