import { COMPATIBILITY, SchemaType } from '@kafkajs/confluent-schema-registry';
import { ORDER_SCHEMA } from './order-schema.js';
import { hasStatus, RegistryRejectionError, type RegistryConnection } from './registry-connection.js';
import { ORDERS_SUBJECT } from '../topics/topics.js';

/** Thrown when the registry rejects this version's schema for the subject. The service must not produce or consume with it. */
export class IncompatibleSchemaError extends Error {
  override readonly name = 'IncompatibleSchemaError';
  readonly code = 'incompatible-schema';
}

/** Compatibility levels under which a current consumer can read every record on the topic. */
const ACCEPTED_LEVELS = [
  COMPATIBILITY.BACKWARD,
  COMPATIBILITY.BACKWARD_TRANSITIVE,
  COMPATIBILITY.FULL,
  COMPATIBILITY.FULL_TRANSITIVE,
];

/**
 * Registers `ORDER_SCHEMA` under its subject; idempotent. It sets BACKWARD compatibility first: the client sets it only after
 * the first registration, so the second of two services that start at once would find it unset and fail.
 * @returns the schema's id
 * @throws IncompatibleSchemaError when the registry rejects the schema; any other error means that the registry is unavailable
 */
export async function registerOrderSchema(registry: RegistryConnection): Promise<number> {
  const compatibility = await requireCompatibility(registry);
  try {
    const schema = { type: SchemaType.AVRO, schema: JSON.stringify(ORDER_SCHEMA) } as const;
    return (await registry.client.register(schema, { subject: ORDERS_SUBJECT, compatibility })).id;
  } catch (cause) {
    if (!hasStatus(cause, 409) && !hasStatus(cause, 422)) throw cause;
    throw new IncompatibleSchemaError(
      `The schema registry rejects this version's schema for "${ORDERS_SUBJECT}": ${String(cause)}. ` +
        'Records on the topic need the registered schema: run the version that registered it, or change the schema so ' +
        'that it stays BACKWARD compatible (new fields with defaults).',
      { cause },
    );
  }
}

/** @returns the subject's level; a missing or weaker level is first set to BACKWARD */
async function requireCompatibility(registry: RegistryConnection): Promise<COMPATIBILITY> {
  const level = await currentLevel(registry);
  if (level !== undefined) return level;
  const changed = await registry.request(CONFIG_PATH, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: COMPATIBILITY.BACKWARD }),
  });
  if (changed.ok) return COMPATIBILITY.BACKWARD;
  // If two services set the level at once, the registry may reject one request; only the resulting level counts.
  const afterwards = await currentLevel(registry);
  if (afterwards !== undefined) return afterwards;
  throw new RegistryRejectionError(changed.status, `the compatibility of "${ORDERS_SUBJECT}"`);
}

/** @returns the subject's level if it is an accepted one */
async function currentLevel(registry: RegistryConnection): Promise<COMPATIBILITY | undefined> {
  const response = await registry.request(CONFIG_PATH);
  const { compatibilityLevel } = (await response.json()) as { compatibilityLevel?: string };
  return ACCEPTED_LEVELS.find((level) => level === compatibilityLevel?.toUpperCase());
}

const CONFIG_PATH = `/config/${encodeURIComponent(ORDERS_SUBJECT)}`;
