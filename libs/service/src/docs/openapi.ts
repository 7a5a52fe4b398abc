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

/** Serves OpenAPI 3.1 at `/docs-json` and Swagger UI at `/docs`, including its assets: it works without internet access. */
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

/** Declares both ways to authorize: Swagger UI finds the provider by discovery, or the user pastes a token. */
function requireTokens(builder: DocumentBuilder, issuer: string): void {
  const openIdConnectUrl = `${issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  builder
    .addSecurity('provider', { type: 'openIdConnect', openIdConnectUrl })
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'token')
    .addSecurityRequirements('provider', Object.keys(SCOPES))
    .addSecurityRequirements('token');
}

/** Initial values of the authorization form. */
const AUTHORIZE = {
  clientId: 'orders-demo',
  scopes: Object.keys(SCOPES),
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
    // A number in a query is parsed from text; document it as a number.
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === 'integer') delete jsonSchema.pattern;
    },
  });
  return { schema: converted };
};
