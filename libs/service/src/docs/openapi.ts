import { STATUS_CODES } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject, type StandardSchemaConverter } from '@nestjs/swagger';
import { z } from 'zod';
import { requestedScopes } from '../auth/scopes.js';
import { documentHeaders, documentProblems, operationsIn } from './document-responses.js';

export interface ApiDescription {
  readonly title: string;
  readonly description: string;
  /** Members of the service's problems in addition to the standard ones, all optional. */
  readonly problemMembers?: z.ZodRawShape;
  /** Adds what no controller describes, once everything else is in the document. */
  readonly extend?: (document: OpenAPIObject) => void;
}

/**
 * Serves OpenAPI 3.1 at `/docs-json` and Swagger UI at `/docs`, including its assets: it works without internet access. A service
 * without a page of its own redirects `/` to `/docs`.
 */
export function serveApiDocs(app: NestFastifyApplication, api: ApiDescription, issuer?: string): void {
  SwaggerModule.setup('docs', app, createApiDocument(app, api, issuer), {
    jsonDocumentUrl: 'docs-json',
    yamlDocumentUrl: 'docs-yaml',
    customSiteTitle: api.title,
    ...(issuer !== undefined && { swaggerOptions: { initOAuth: AUTHORIZE } }),
  });
  const fastify = app.getHttpAdapter().getInstance();
  if (!fastify.hasRoute({ method: 'GET', url: '/' })) fastify.get('/', async (_, reply) => reply.redirect('/docs'));
  if (issuer !== undefined) serveRedirectPage(app);
}

/** Creates the OpenAPI document of a service. Operation ids are the names of the controllers' methods. */
export function createApiDocument(
  app: INestApplication,
  { title, description, problemMembers, extend }: ApiDescription,
  issuer?: string,
): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle(title)
    .setDescription(description)
    .setVersion('1');
  if (issuer !== undefined) requireTokens(builder, issuer);
  const document = SwaggerModule.createDocument(app, builder.build(), {
    operationIdFactory: (_controller, method) => method,
    standardSchemaConverter: toJsonSchema,
  });
  documentRanges(document);
  documentProblems(document, { tokens: issuer !== undefined, members: problemMembers });
  documentHeaders(document);
  nameSchemas(document);
  shareResponses(document);
  extend?.(document);
  return document;
}

/** Declares both ways to authorize: Swagger UI finds the provider by discovery, or the user pastes a token. */
function requireTokens(builder: DocumentBuilder, issuer: string): void {
  const openIdConnectUrl = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  builder
    .addSecurity('provider', { type: 'openIdConnect', openIdConnectUrl })
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'token')
    .addSecurityRequirements('provider', requestedScopes(false))
    .addSecurityRequirements('token');
}

/** Initial values of the authorization form. */
const AUTHORIZE = {
  clientId: 'orders-demo',
  scopes: requestedScopes(false),
  usePkceWithAuthorizationCodeGrant: true,
  useBasicAuthenticationWithAccessCodeGrant: true,
};

/** Redirects the login's redirect page: Swagger UI at `/docs` expects it in the parent folder. */
function serveRedirectPage(app: NestFastifyApplication): void {
  app
    .getHttpAdapter()
    .getInstance()
    .get('/oauth2-redirect.html', async ({ url }, reply) => {
      const at = url.indexOf('?');
      return reply.redirect(`/docs/oauth2-redirect.html${at === -1 ? '' : url.slice(at)}`);
    });
}

/** Converts with JSON Schema 2020-12, as OpenAPI 3.1 requires; Nest requests the dialect of OpenAPI 3.0 from zod. */
const toJsonSchema: StandardSchemaConverter = (schema, { schemaType }) => {
  if (!(schema instanceof z.ZodType)) return undefined;
  const { $schema: _dialect, ...converted } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: schemaType,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // zod omits these of a value that is parsed from text, since they could be its results; here they are always input.
      const { default: byDefault, examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (byDefault !== undefined) jsonSchema.default = byDefault;
      if (Array.isArray(examples)) jsonSchema.examples = examples;
      // A number in a query is parsed from text; document it as a number. The format of a date or id says more than its expression.
      if (jsonSchema.type !== 'string' || jsonSchema.format !== undefined) delete jsonSchema.pattern;
      if (jsonSchema.type === 'integer') describeWidth(jsonSchema, schemaType);
    },
  });
  return { schema: converted };
};

const MAX_INT32 = 2 ** 31 - 1;

/** Declares integers that may need more than 32 bits. The limits of JavaScript's integers are documented only where they are checked. */
function describeWidth(schema: z.core.JSONSchema.BaseSchema, schemaType: 'input' | 'output'): void {
  if ((schema.maximum ?? 0) > MAX_INT32) schema.format = 'int64';
  if (schemaType === 'input') return;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}

interface ParameterSchema {
  readonly type?: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, ParameterSchema>>;
  readonly anyOf?: readonly ParameterSchema[];
}

interface QueryParameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: ParameterSchema;
}

/**
 * Documents a query parameter that is an object as separate parameters: `number[gte]`, `number[lt]` and so on. As one object
 * (`deepObject`), Swagger UI would send the examples of all bounds at once, unless the user deletes each. Descriptions that a parameter
 * shares with its schema stand only once.
 */
function documentRanges(document: OpenAPIObject): void {
  for (const { operation } of operationsIn(document))
    if (operation.parameters !== undefined)
      operation.parameters = (operation.parameters as QueryParameter[]).flatMap(flattened) as never;
}

function flattened(parameter: QueryParameter): object[] {
  const { name, schema } = parameter;
  // A value, or a range of values.
  if (parameter.in === 'query' && schema?.anyOf !== undefined)
    return schema.anyOf.flatMap((either) => flattened({ name, in: 'query', required: false, schema: either }));
  if (parameter.in !== 'query' || schema?.properties === undefined) return [described(parameter)];
  return Object.entries(schema.properties).map(([bound, boundSchema]) =>
    described({ name: `${name}[${bound}]`, in: 'query', required: false, schema: boundSchema }),
  );
}

/**
 * Moves the description of the schema to the parameter. Omits the expression of a query parameter: Swagger UI would answer a wrong value
 * with it, instead of sending the request, whose problem explains in a sentence what is allowed.
 */
function described({ schema = {}, ...parameter }: QueryParameter): QueryParameter {
  const { description, pattern: _expression, ...rest } = schema;
  return { ...parameter, ...(description !== undefined && { description }), schema: rest };
}

type Json = Readonly<Record<string, unknown>>;

/** The titled schemas of one document, by name. */
class NamedSchemas {
  readonly byName = new Map<string, Json>();

  /** Replaces each titled schema within a value by a reference, the inner ones first. */
  replace(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.replace(item));
    if (typeof value !== 'object' || value === null) return value;
    const replaced = Object.fromEntries(
      // An example is data: it is kept as it is.
      Object.entries(value).map(([key, inner]) => [key, key === 'example' ? inner : this.replace(inner)]),
    );
    return isTitledSchema(replaced) ? this.referenceTo(replaced) : replaced;
  }

  private referenceTo({ title, ...schema }: Json & { readonly title: string }): Json {
    const known = this.byName.get(title);
    if (known === undefined) this.byName.set(title, schema);
    else if (shapeOf(known) !== shapeOf(schema))
      throw new Error(`two schemas have the title ${title}, but other fields`);
    const { description } = schema;
    // OpenAPI 3.1 allows a description beside a reference: a field may be described differently than its schema.
    const own = known !== undefined && description !== known['description'] ? { description } : {};
    return { $ref: `#/components/schemas/${title}`, ...own };
  }
}

/**
 * Moves every schema with a title to `components.schemas`, so that it has one name in the document and in generated clients. Without it,
 * a generator invents a name for each place where a schema is used.
 * @throws Error if two different schemas have the same title
 */
export function nameSchemas(document: OpenAPIObject): void {
  const named = new NamedSchemas();
  document.paths = named.replace(document.paths) as OpenAPIObject['paths'];
  const schemas = [...Object.entries(document.components?.schemas ?? {}), ...named.byName];
  document.components = {
    ...document.components,
    schemas: Object.fromEntries(schemas.toSorted(([a], [b]) => (a < b ? -1 : 1))) as never,
  };
}

function isTitledSchema(value: Json): value is Json & { readonly title: string } {
  return typeof value['title'] === 'string' && ('type' in value || 'anyOf' in value || 'enum' in value);
}

function shapeOf({ description: _text, ...shape }: Json): string {
  return JSON.stringify(shape);
}

/** A response of some operation, where it stands. */
interface Place {
  readonly responses: Record<string, unknown>;
  readonly status: string;
  readonly text: string;
}

/**
 * Moves, for each status of errors, the response that most operations share to `components.responses`, such as `TooManyRequests`. Most of
 * the document would be repetitions of them.
 */
export function shareResponses(document: OpenAPIObject): void {
  const byStatus = Map.groupBy(errorsIn(document), ({ status }) => status);
  const shared: Record<string, unknown> = {};
  for (const [status, places] of byStatus) {
    const byText = [...Map.groupBy(places, ({ text }) => text)];
    const [text, same] = byText.toSorted(([, a], [, b]) => b.length - a.length)[0] ?? ['', []];
    if (same.length < 2) continue;
    const name = (STATUS_CODES[status] ?? status).replaceAll(/[^A-Za-z]/g, '');
    shared[name] = JSON.parse(text);
    for (const { responses } of same) responses[status] = { $ref: `#/components/responses/${name}` };
  }
  document.components = { ...document.components, responses: shared as never };
}

function errorsIn(document: OpenAPIObject): Place[] {
  return operationsIn(document).flatMap(({ operation: { responses } }) => {
    const errors = Object.keys(responses).filter((status) => Number(status) >= 400);
    return errors.map((status) => ({ responses, status, text: JSON.stringify(responses[status]) }));
  });
}
