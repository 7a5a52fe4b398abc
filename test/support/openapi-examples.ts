type Json = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema?: { readonly example?: string | number };
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Json }>>;
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Json>>;
    readonly responses?: Readonly<Record<string, Json>>;
  };
}

/** The result of one route, called as Swagger UI calls it with nothing changed. */
export interface ExecutedExample {
  readonly operationId: string;
  readonly status: number;
  readonly isDocumented: boolean;
  readonly body: string;
}

export async function openApiDocument(serviceUrl: string): Promise<OpenApiDocument> {
  const response = await fetch(`${serviceUrl}/docs-json`);
  return (await response.json()) as OpenApiDocument;
}

/** Returns the ids of the operations, in the order of the document. */
export function operationIds({ paths }: OpenApiDocument): string[] {
  return Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
}

/** Ids of the pipeline, for path parameters: they have no examples, because no id exists everywhere. */
interface ExistingIds {
  readonly order: string;
  /** An operation that has ended. */
  readonly operation: string;
}

/** Executes the example of each route of a document, in the order of the document. */
export async function* executedExamples(
  serviceUrl: string,
  document: OpenApiDocument,
  ids: ExistingIds,
): AsyncGenerator<ExecutedExample> {
  const bodies = new Map<string, string>();
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const url = `${serviceUrl}${pathOf(path, operation, valuesFor(path, bodies, ids))}`;
      const response = await fetch(url, {
        method: method.toUpperCase(),
        redirect: 'manual',
        ...bodyOf(document, operation),
      });
      const body = await response.text();
      bodies.set(operation.operationId, body);
      const { status } = response;
      yield { operationId: operation.operationId, status, isDocumented: isDocumented(operation, response), body };
    }
}

/** Returns the values of the path parameters of a route. @param bodies the responses so far, by operation id */
function valuesFor(
  path: string,
  bodies: ReadonlyMap<string, string>,
  ids: ExistingIds,
): Readonly<Record<string, string | undefined>> {
  const firstIdIn = (operationId: string) => /"id":"([^"]+)/.exec(bodies.get(operationId) ?? '')?.[1];
  const [topic, partition, offset] = firstIdIn('listDeadLetters')?.split('/') ?? [];
  if (path.startsWith('/v1/dead-letters')) return { topic, partition, offset };
  if (path.startsWith('/v1/orders')) return { id: ids.order };
  if (path.startsWith('/v1/imports')) return { id: firstIdIn('importOrders') };
  // The operation of the example still runs: it can be paused, resumed and cancelled, in this order.
  return { id: /pause|resume|cancel/.test(path) ? firstIdIn('populate') : ids.operation };
}

/** Returns every example of a path of the API, such as the links of a page. */
export function examplePaths(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'example' && typeof inner === 'string' && inner.startsWith('/v1/') ? [inner] : examplePaths(inner),
  );
}

function pathOf(
  path: string,
  { parameters = [] }: Operation,
  values: Readonly<Record<string, string | undefined>>,
): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
  const query = parameters.flatMap(({ name, in: where, schema }): [string, string][] =>
    where === 'query' && schema?.example !== undefined ? [[name, String(schema.example)]] : [],
  );
  return query.length === 0 ? filled : `${filled}?${new URLSearchParams(query).toString()}`;
}

function bodyOf(document: OpenApiDocument, { requestBody }: Operation): RequestInit {
  const schema = requestBody?.content['application/json']?.schema;
  if (schema === undefined) return {};
  const headers = { 'content-type': 'application/json' };
  return { headers, body: JSON.stringify(exampleOf(document, schema)) };
}

/** Returns the example of a schema, or one of its required properties, as Swagger UI fills them in. */
function exampleOf(document: OpenApiDocument, schema: Json): unknown {
  const { components } = document;
  const { $ref, anyOf } = schema;
  if (Array.isArray(anyOf)) return exampleOf(document, anyOf[0] as Json);
  const resolved = typeof $ref === 'string' ? (components.schemas[$ref.split('/').at(-1) ?? ''] ?? {}) : schema;
  if (resolved['example'] !== undefined) return resolved['example'];
  const properties = Object.entries((resolved['properties'] ?? {}) as Record<string, Json>);
  return Object.fromEntries(properties.map(([name, property]) => [name, property['example'] ?? firstOf(property)]));
}

function firstOf({ examples }: Json): unknown {
  return Array.isArray(examples) ? examples[0] : undefined;
}

function isDocumented({ responses }: Operation, { status, headers }: Response): boolean {
  const [type] = (headers.get('content-type') ?? '').split(';');
  const documented = responses[status];
  return documented !== undefined && (documented.content === undefined || (type ?? '') in documented.content);
}

interface InvalidField {
  readonly field: string;
  readonly in: 'path' | 'query' | 'body';
  readonly detail: string;
}

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
