import type { Operation } from '#api/producer.js';
import type { ProducerClient } from './producer-client.js';

/**
 * Reads an operation.
 * @throws CliError `not-found`
 */
export async function operationById(client: ProducerClient, id: string): Promise<Operation> {
  return client.request({ method: 'GET', path: operationPath(id) });
}

/**
 * Requests an action of an operation, such as `pause`.
 * @throws CliError, such as `operation-ended`
 */
export async function requestAction<T>(
  client: ProducerClient,
  id: string,
  { action, noTimeout = false }: { action: string; noTimeout?: boolean },
): Promise<T> {
  return client.request({ method: 'POST', path: `${operationPath(id)}/${action}`, noTimeout });
}

/** Returns the path of an operation. */
export function operationPath(id: string): string {
  return `/v1/operations/${encodeURIComponent(id)}`;
}
