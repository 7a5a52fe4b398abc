import { HttpStatus } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types of the bodies that the route accepts, for `@RouteConfig`. Default: JSON only. */
    accepts?: readonly string[];
  }
}

const SHOWN_LENGTH = 60;

/** Creates the 415 problem of a body that no parser accepts. RFC 9110, section 15.5.16: `Accept` lists the accepted media types. */
export function unsupportedContentType({ headers, routeOptions }: FastifyRequest): Problem {
  const { accepts = ['application/json'] } = routeOptions.config;
  const given = headers['content-type'];
  const detail = `The Content-Type must be ${accepts.join(' or ')}, got ${given?.slice(0, SHOWN_LENGTH) ?? 'none'}.`;
  const accept = { Accept: accepts.join(', ') };
  return new Problem(HttpStatus.UNSUPPORTED_MEDIA_TYPE, 'unsupported-media-type', detail, {}, accept);
}
