import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ScopeChoice } from '#service/auth/scope.guard.js';
import type { Scope } from '#service/auth/scopes.js';
import { OperationIdSchema } from './operation-id.js';
import { Operations } from './operations.js';

/** Whoever may begin an operation of a kind may pause, resume and cancel one. */
@Injectable()
export class InterruptionScope implements ScopeChoice {
  constructor(private readonly operations: Operations) {}

  /** Of what is no operation's id, or of none that there is, a writer is told so. */
  async scopeFor({ params }: FastifyRequest): Promise<Scope> {
    const { data: id } = OperationIdSchema.safeParse((params as { id?: unknown }).id);
    const operation = id === undefined ? null : await this.operations.find(id);
    return operation?.kind === 'redrive' ? 'dead-letters:redrive' : 'orders:write';
  }
}
