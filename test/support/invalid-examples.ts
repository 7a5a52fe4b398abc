import type { OpenApiDocument } from './openapi-examples.js';

interface InvalidField {
  readonly field: string;
  readonly in: 'path' | 'query' | 'body';
  readonly detail: string;
}

type Operation = OpenApiDocument['paths'][string][string];

/** An invalid field as a document shows it, and the fields that the route names when it gets it. */
export interface InvalidExample {
  readonly operationId: string;
  readonly documented: InvalidField;
  readonly named: readonly InvalidField[];
}

const VALUE = /got "([^"]*)"$/;

/** Sends each route the invalid field of its example of a 400. Other fields may be missing, and are named too. */
export async function* invalidExamples(serviceUrl: string, document: OpenApiDocument): AsyncGenerator<InvalidExample> {
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const documented = invalidFieldOf(document, operation);
      if (documented === undefined) continue;
      const { field, in: place, detail } = documented;
      const value = VALUE.exec(detail)?.[1] ?? 'red';
      const query = place === 'query' ? `?${field}=${value}` : '';
      const url = `${serviceUrl}${path.replaceAll(/\{\w+\}/g, place === 'path' ? value : crypto.randomUUID())}${query}`;
      const body = method === 'get' ? undefined : JSON.stringify(place === 'body' ? { [field]: value } : {});
      const response = await fetch(url, {
        method: method.toUpperCase(),
        ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
      });
      const { errors = [] } = (await response.json()) as { readonly errors?: readonly InvalidField[] };
      yield { operationId: operation.operationId, documented, named: errors };
    }
}

function invalidFieldOf(document: OpenApiDocument, { responses }: Operation): InvalidField | undefined {
  const given = responses[400] as { readonly $ref?: string } | undefined;
  const shared = document.components.responses?.[given?.$ref?.split('/').at(-1) ?? ''];
  const { content } = (shared ?? given ?? {}) as { readonly content?: Record<string, { readonly example?: unknown }> };
  const example = content?.['application/problem+json']?.example as { errors: readonly InvalidField[] } | undefined;
  return example?.errors[0];
}
