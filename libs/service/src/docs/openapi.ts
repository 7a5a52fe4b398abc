import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type StandardSchemaConverter } from '@nestjs/swagger';
import { z } from 'zod';
import { SCOPES } from '../auth/scopes.js';
import { documentHeaders } from './document-headers.js';
import { documentProblems } from './document-problems.js';
import { documentRanges } from './document-ranges.js';

export interface ApiDescription {
  readonly title: string;
  readonly description: string;
}

/** OpenAPI 3.1 at `/docs-json` and Swagger UI at `/docs`, its assets served from here: it works without a network. */
export function serveApiDocs(
  app: NestFastifyApplication,
  { title, description }: ApiDescription,
  issuer?: string,
): void {
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
  documentProblems(document, { tokens: issuer !== undefined });
  documentHeaders(document);
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'docs-json',
    yamlDocumentUrl: 'docs-yaml',
    ...(issuer !== undefined && { swaggerOptions: { initOAuth: AUTHORIZE } }),
  });
  if (issuer !== undefined) serveRedirectPage(app);
}

/** Swagger UI finds the provider's addresses by discovery; a token that was had elsewhere can be pasted. */
function requireTokens(builder: DocumentBuilder, issuer: string): void {
  const openIdConnectUrl = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  builder
    .addSecurity('provider', { type: 'openIdConnect', openIdConnectUrl })
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'token')
    .addSecurityRequirements('provider', Object.keys(SCOPES))
    .addSecurityRequirements('token');
}

/** What the form begins with. */
const AUTHORIZE = {
  clientId: 'orders-demo',
  scopes: Object.keys(SCOPES),
  usePkceWithAuthorizationCodeGrant: true,
  useBasicAuthenticationWithAccessCodeGrant: true,
};

/** Swagger UI, at `/docs`, takes the page that a login comes back to for its neighbour. */
function serveRedirectPage(app: NestFastifyApplication): void {
  app
    .getHttpAdapter()
    .getInstance()
    .get('/oauth2-redirect.html', async ({ url }, reply) => {
      const at = url.indexOf('?');
      return reply.redirect(`/docs/oauth2-redirect.html${at === -1 ? '' : url.slice(at)}`);
    });
}

/** Nest asks zod for the dialect of OpenAPI 3.0; 3.1 is JSON Schema 2020-12 itself. */
const toJsonSchema: StandardSchemaConverter = (schema, { schemaType }) => {
  if (!(schema instanceof z.ZodType)) return undefined;
  const { $schema: _dialect, ...converted } = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: schemaType,
    unrepresentable: 'any',
    // A number in a query is text that is read as one: what is told of it is the number.
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === 'integer') delete jsonSchema.pattern;
    },
  });
  return { schema: converted };
};
