import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VERSIONS } from '../../../dev/parts/versions.js';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';

/** Returns the versions of servers and clients. @param mongodb version reported by the server, which may be this machine's own build */
export function testedVersions(mongodb: string): Record<string, string> {
  return {
    Kafka: VERSIONS.kafka,
    'Apicurio Registry': VERSIONS.registry,
    MongoDB: mongodb,
    'Node.js': process.version.slice(1),
    ...(process.env['KAFKA_CLIENT'] === 'platformatic' && {
      '@platformatic/kafka (all orders)': versionOf('@platformatic/kafka'),
    }),
    kafkajs: versionOf('kafkajs'),
    mongodb: versionOf('mongodb'),
  };
}

/** Reads the file itself: not every package exports it. */
function versionOf(name: string): string {
  const file = join(PROJECT_DIRECTORY, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
