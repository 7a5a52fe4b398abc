import type { z } from 'zod';
import { OperationSchema, type Operation } from './operation.js';
import type { ProducerClient } from './producer-client.js';

/** @throws CliError `not-found` */
export async function operationById(client: ProducerClient, id: string): Promise<Operation> {
  return client.ask({ method: 'GET', path: operationPath(id) }, OperationSchema);
}

/** Asks for something to be done with an operation, such as `pause`. @throws CliError, such as `operation-ended` */
export async function askOperation<T>(
  client: ProducerClient,
  id: string,
  { what, schema, isPatient = false }: { what: string; schema: z.ZodType<T>; isPatient?: boolean },
): Promise<T> {
  return client.ask({ method: 'POST', path: `${operationPath(id)}/${what}`, isPatient }, schema);
}

/** Where an operation is found, by its id. */
export function operationPath(id: string): string {
  return `/v1/operations/${encodeURIComponent(id)}`;
}
