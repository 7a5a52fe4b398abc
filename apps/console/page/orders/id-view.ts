import type { Client } from '../api/client.js';
import { isNotFound } from '../api/problem.js';

/**
 * Finds out what has an id. Orders and operations have ids of the same form, so the order is tried first.
 * @returns `null`: neither, or a service does not answer
 */
export async function viewOfId(client: Client, id: string): Promise<'order' | 'operation' | null> {
  try {
    if (await exists(client, `/v1/orders/${id}`)) return 'order';
    return (await exists(client, `/v1/operations/${id}`)) ? 'operation' : null;
  } catch {
    // The view of the search requests it again, and shows the failure.
    return null;
  }
}

async function exists(client: Client, path: string): Promise<boolean> {
  try {
    await client.get(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
