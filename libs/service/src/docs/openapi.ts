import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject, type StandardSchemaConverter } from '@nestjs/swagger';
import { z } from 'zod';
import { requestedScopes } from '../auth/scopes.js';
import { documentHeaders } from './document-headers.js';
import { documentProblems } from './document-problems.js';
import { documentRanges } from './document-ranges.js';
import { nameSchemas } from './name-schemas.js';
import { shareResponses } from './share-responses.js';

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
