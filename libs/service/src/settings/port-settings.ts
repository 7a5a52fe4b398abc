import { wholeNumber } from './settings.js';

/** The ports of `npm start` and of Docker Compose. Commands find the servers and services of `npm start` by them. */
export const portSettings = {
  KAFKA_PORT: port(9092, 'Port of Kafka; with `--replicated`, the other nodes use the next two.'),
  REGISTRY_PORT: port(8081, 'Port of the schema registry.'),
  MONGODB_PORT: port(27_017, 'Port of MongoDB; with `--replicated`, the other members use the next two.'),
  PRODUCER_PORT: port(3001, 'Port of the producer.'),
  QUERY_API_PORT: port(3000, 'Port of the query API.'),
  CONSOLE_PORT: port(3002, 'Port of the console.'),
  ISSUER_PORT: port(3003, 'Port of the development issuer: with `npm start -- --auth`, and in Docker Compose.'),
  FACADE_PORT: port(
    3005,
    'Port of the facade: with `npm start -- --legacy`, and with the profile `legacy` in Docker Compose.',
  ),
  LEGACY_PORT: port(3010, 'Port of the legacy system, with `npm start -- --legacy`.'),
};

function port(byDefault: number, description: string) {
  return wholeNumber(1, 65_535).default(byDefault).meta({ description });
}
