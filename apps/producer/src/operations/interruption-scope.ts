import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ScopeChoice } from '#service/auth/scope.guard.js';
import type { Scope } from '#service/auth/scopes.js';
import { OperationIdSchema } from './operation-id.js';
import { Operations } from './operations.js';

/** Chooses the scope for pausing, resuming and cancelling: the same scope that starts an operation of this kind. */
@Injectable()
export class InterruptionScope implements ScopeChoice {
  constructor(private readonly operations: Operations) {}

  /** An invalid or unknown id needs the scope `orders:write`, so that only writers get the 400 or 404. */
  async scopeFor({ params }: FastifyRequest): Promise<Scope> {
    const { data: id } = OperationIdSchema.safeParse((params as { id?: unknown }).id);
    const operation = id === undefined ? null : await this.operations.find(id);
    return operation?.kind === 'redrive' ? 'dead-letters:redrive' : 'orders:write';
  }
}
