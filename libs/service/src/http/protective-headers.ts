import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

/**
 * Gives every answer the headers that keep a browser from doing more with it than it should. They are the same for all: Helmet makes them
 * once, not for each request as `@fastify/helmet` does, which took a tenth of the time of a read.
 * @param issuer who logs users of Swagger UI in; `undefined`: nobody
 */
export function protectAnswers(fastify: FastifyInstance, issuer: string | undefined): void {
  const headers = headersOf(
    helmet({
      contentSecurityPolicy: { directives: contentSecurity(issuer) },
      // A login is a window of the issuer's, which must find its way back to the Swagger UI that opened it.
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

/** Swagger UI has styles of its own in its elements, and asks the issuer for tokens; all else comes from here. */
function contentSecurity(issuer: string | undefined) {
  return {
    'default-src': ["'self'"],
    'connect-src': ["'self'", ...(issuer === undefined ? [] : [new URL(issuer).origin])],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'frame-ancestors': ["'none'"],
    // Over plain HTTP on loopback there is nothing to upgrade to.
    'upgrade-insecure-requests': null,
  };
}
