import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';

/** Names the caller that a limit counts: the subject of its token, or its address without one. */
export function callerKey({ caller, ip }: Pick<FastifyRequest, 'caller' | 'ip'>): string {
  return caller?.subject ?? normalizeIP(ip);
}
