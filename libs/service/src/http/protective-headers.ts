import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

/**
 * Adds the security headers for browsers to every response. They are the same for all responses, so Helmet computes them once;
 * `@fastify/helmet` computes them per request, which took a tenth of the duration of a read.
 * @param issuer the provider that users of Swagger UI log in with; `undefined` if there is none
 */
export function protectAnswers(fastify: FastifyInstance, issuer: string | undefined): void {
  const headers = headersOf(
    helmet({
      contentSecurityPolicy: { directives: contentSecurity(issuer) },
      // The issuer's login window needs access to the Swagger UI window that opened it.
      crossOriginOpenerPolicy: issuer === undefined,
    }),
  );
  fastify.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(headers);
    done();
  });
}

function headersOf(middleware: ReturnType<typeof helmet>): Record<string, string> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  middleware(request, response, (error) => {
    if (error !== undefined) throw error as Error;
  });
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}

/** Swagger UI uses inline styles and requests tokens from the issuer; everything else comes from this origin. */
function contentSecurity(issuer: string | undefined) {
  return {
    'default-src': ["'self'"],
    'connect-src': ["'self'", ...(issuer === undefined ? [] : [new URL(issuer).origin])],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'frame-ancestors': ["'none'"],
    // On loopback there is only plain HTTP.
    'upgrade-insecure-requests': null,
  };
}
