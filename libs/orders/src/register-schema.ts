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
  const level = await currentLevel(registryUrl);
  if (level !== undefined) return level;
  const changed = await fetch(configOf(registryUrl), {
    method: 'PUT',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ compatibility: COMPATIBILITY.BACKWARD }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (changed.ok) return COMPATIBILITY.BACKWARD;
  // Of two services that set it at once, one is refused: what counts is the level afterwards.
  const afterwards = await currentLevel(registryUrl);
  if (afterwards !== undefined) return afterwards;
  throw new Error(`the schema registry did not take the compatibility of "${ORDERS_SUBJECT}": HTTP ${changed.status}`);
}

/** @returns the subject's level where it is strict enough */
async function currentLevel(registryUrl: string): Promise<COMPATIBILITY | undefined> {
  const response = await fetch(configOf(registryUrl), { signal: AbortSignal.timeout(PATIENCE_MS) });
  const { compatibilityLevel } = (await response.json()) as { compatibilityLevel?: string };
  return STRICT_ENOUGH.find((strict) => strict === compatibilityLevel?.toUpperCase());
}

function configOf(registryUrl: string): string {
  return `${registryUrl}/config/${encodeURIComponent(ORDERS_SUBJECT)}`;
}

/** Whether the registry's client failed because of this HTTP status. */
export function hasStatus(error: unknown, status: number): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === status;
}
