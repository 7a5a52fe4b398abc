import { COMPATIBILITY, SchemaType, type SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { ORDER_SCHEMA } from './order-schema.js';
import { ORDERS_SUBJECT } from './topics.js';

/** The registry refuses this version's schema for the subject: nothing may be produced or consumed with it. */
export class IncompatibleSchemaError extends Error {
  override readonly name = 'IncompatibleSchemaError';
  readonly code = 'incompatible-schema';
}

/** Levels under which a consumer of today reads all that the topic keeps. */
const STRICT_ENOUGH = [
  COMPATIBILITY.BACKWARD,
  COMPATIBILITY.BACKWARD_TRANSITIVE,
  COMPATIBILITY.FULL,
  COMPATIBILITY.FULL_TRANSITIVE,
];

const PATIENCE_MS = 5_000;

/**
 * Registers `ORDER_SCHEMA` under its subject (again: no change) and sees to its BACKWARD compatibility first: the client
 * sets it after the first registration, and of two services that start at once the second would find it unset and fail.
 * @returns the schema's id
 * @throws IncompatibleSchemaError when the registry refuses the schema; anything else: the registry can't be asked now
 */
export async function registerOrderSchema(registry: SchemaRegistry, registryUrl: string): Promise<number> {
  const compatibility = await requireCompatibility(registryUrl);
  try {
    const schema = { type: SchemaType.AVRO, schema: JSON.stringify(ORDER_SCHEMA) } as const;
    return (await registry.register(schema, { subject: ORDERS_SUBJECT, compatibility })).id;
  } catch (cause) {
    if (!hasStatus(cause, 409) && !hasStatus(cause, 422)) throw cause;
    throw new IncompatibleSchemaError(
      `The schema registry refuses this version's schema for "${ORDERS_SUBJECT}": ${String(cause)}. ` +
        'Records already on the topic need the registered one: run the version that registered it, or change the schema so ' +
        'that it stays BACKWARD compatible (new fields with defaults).',
      { cause },
    );
  }
}

/** @returns the subject's level, set to BACKWARD when it was none or a weaker one */
async function requireCompatibility(registryUrl: string): Promise<COMPATIBILITY> {
  const address = `${registryUrl}/config/${encodeURIComponent(ORDERS_SUBJECT)}`;
  const current = await fetch(address, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const body = (await current.json()) as { compatibilityLevel?: string };
  const level = STRICT_ENOUGH.find((strict) => strict === body.compatibilityLevel?.toUpperCase());
  if (level !== undefined) return level;
  const changed = await fetch(address, {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: COMPATIBILITY.BACKWARD }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!changed.ok)
    throw new Error(
      `the schema registry did not take the compatibility of "${ORDERS_SUBJECT}": HTTP ${changed.status}`,
    );
  return COMPATIBILITY.BACKWARD;
}

/** Whether the registry's client failed because of this HTTP status. */
export function hasStatus(error: unknown, status: number): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === status;
}
