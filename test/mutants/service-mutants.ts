import type { MutatedSource } from './mutant.js';

const INTAKE = { name: 'intake', folder: 'apps/producer/src' };
const ARCHIVE = { name: 'archive', folder: 'apps/admin/src' };

/** Mutants of the services. */
export const SERVICE_MUTANTS: readonly MutatedSource[] = [
  /** Mutants of the intake: what a crash or a lost answer leaves behind. */
  {
    ...INTAKE,
    specs: 'order-api/intake-crash.property',
    mutants: {
      'accept before Kafka has the orders': {
        file: 'order-api/batch-sender.ts',
        replace: 'const parts = await this.parts.topic.send(built.records);',
        by: 'const parts: never[] = [];\n      void this.parts.topic.send(built.records).catch(() => undefined);',
      },
      'leave a batch alone after a send with an unknown outcome': {
        file: 'order-api/batch-sender.ts',
        replace: 'this.recover(reserved);\n      throw error;\n    }\n    operation.acked',
        by: 'throw error;\n    }\n    operation.acked',
      },
      'leave a batch alone after an insert with an unknown outcome': {
        file: 'order-api/batch-sender.ts',
        replace: 'this.recover(reserved);\n      throw error;\n    }\n    if (requests.length > 0)',
        by: 'throw error;\n    }\n    if (requests.length > 0)',
      },
      'forget a block whose reservation was not answered': {
        file: 'order-api/batch-sender.ts',
        replace: 'await this.recovery.settle(orphan);',
        specs: 'order-api/batch-sender',
      },
      'the orders of a crashed producer lose the traces of their requests': {
        file: 'order-api/batch-sender.ts',
        replace: 'origin, traceOf(batch, position))',
        by: 'origin)',
        specs: 'order-api/batch-sender',
      },
      'a redriven order begins another trace': {
        file: 'publishing/orders-topic.ts',
        replace: '? originOf(record) :',
        by: '? {} :',
        specs: 'publishing/orders-topic',
      },
      'the order of a request that is not traced begins a trace': {
        file: 'order-api/batch-sender.ts',
        replace: 'parent === undefined ? null : { parent }',
        by: '{ parent }',
        specs: 'publishing/orders-topic',
      },
      'mark a batch of a crashed producer as acknowledged without sending it': {
        file: 'order-api/batch-sender.ts',
        replace: 'const parts = await this.topic.send(records);',
        by: 'const parts: never[] = [];\n    void records;',
      },
      'answer a repeated request before Kafka has its orders': {
        file: 'order-api/orders-request.ts',
        replace: "else if (batch.state !== 'acknowledged') return false;\n",
      },
      'start any number of reconciliations': {
        file: 'reconcile/reconcile.controller.ts',
        replace: 'this.places.hold(request, reply);',
        specs: 'reconcile.controller',
      },
    },
  },
  /** Mutants of a producer whose topic gets more partitions. */
  {
    ...INTAKE,
    specs: 'expansion/expansion-watch',
    mutants: {
      'close the gate while records are on their way': {
        file: 'publishing/send-gate.ts',
        replace: 'if (this.running > 0) await new Promise<void>((resolve) => (this.onIdle = resolve));',
      },
      'confirm to an expansion before the gate has closed': {
        file: 'expansion/expansion-watch.ts',
        replace: 'this.gate.isClosed ? this.expansion : null',
        by: 'this.expansion',
      },
      'send under the old count after an expansion': {
        file: 'expansion/expansion-watch.ts',
        replace: 'this.gate.open(await this.countPartitions());',
        by: 'this.gate.open(this.gate.partitions);',
      },
    },
  },
  /** Mutants of the leases of operations. */
  {
    name: 'leases',
    folder: 'apps/producer/src',
    specs: 'background/leased-job',
    mutants: {
      'write with a lease that another process has': {
        file: 'background/operation-leases.ts',
        replace: "epoch: this.part.epoch, 'lease.owner': this.owner",
        by: 'epoch: this.part.epoch',
      },
      'write with a lease that a later claim of the same process has': {
        file: 'background/operation-leases.ts',
        replace: "epoch: this.part.epoch, 'lease.owner': this.owner",
        by: "'lease.owner': this.owner",
      },
      'compact the processing metadata of an operation that was reopened': {
        file: 'background/operation-leases.ts',
        replace: "this.place.writableIn ?? ['running', 'failed']",
        by: "['running', 'failed', 'succeeded']",
      },
      'go on with work whose lease is lost': {
        file: 'background/operation-leases.ts',
        replace: 'this.ending.abort();\n    throw new LeaseLostError',
        by: 'throw new LeaseLostError',
      },
    },
  },
  /** Mutants of the compaction: what replaces the processing metadata of a block, and when. */
  {
    name: 'compaction',
    folder: 'apps/producer/src',
    specs: 'compaction/',
    mutants: {
      'compact a block without a clean verification': {
        file: 'compaction/operation-compaction.ts',
        replace: "if (verification.kind !== 'verified') return verification;",
      },
      'remove the processing metadata of a block before its digest is stored': {
        file: 'compaction/operation-compaction.ts',
        replace: 'block = await steps.store(verification.block);',
        by: 'await steps.remove(verification.block);\n    block = await steps.store(verification.block);',
      },
      'leave the processing metadata of a block that a crash has interrupted': {
        file: 'compaction/operation-compaction.ts',
        replace: 'if (stored?.isCompacted === true) return undefined;',
        by: 'if (stored !== null) return undefined;',
      },
      'compact a batch whose keys still answer repeated requests': {
        file: 'compaction/operation-compaction.ts',
        replace: "if (batch.requests !== undefined) return { kind: 'keys', until: batch.keysUntil };",
      },
    },
  },
  /** Mutants of the stored watermark. */
  {
    name: 'query-api',
    folder: 'apps/query-api/src',
    specs: 'freshness/complete-through',
    mutants: {
      'store a watermark above what is complete': {
        file: 'freshness/complete-through.ts',
        replace: 'await this.sources.stored.raise(through);',
        by: 'await this.sources.stored.raise(through + 1);',
      },
      'lose the last watermark when the process ends': {
        file: 'freshness/complete-through.ts',
        replace: 'if (this.stored !== undefined && this.through > this.stored) await this.raise(this.through);',
      },
      'count everything again after a restart': {
        file: 'freshness/complete-through.ts',
        replace: 'this.through = Math.max(this.through, this.stored);',
      },
    },
  },
  /** Mutants of what all services share: logs without secrets, tokens while the issuer is unavailable, the audit, foreign pages, and clients that stop reading or writing. */
  {
    name: 'service',
    folder: 'libs/service/src',
    specs: 'transfer-limits',
    mutants: {
      'take a lease that another process has': {
        file: 'mongodb/lease.ts',
        replace: '{ _id: id, $or: isMineOrFree }',
        by: '{ _id: id }',
        specs: 'mongodb/lease',
      },
      'take over a lease before it has expired': {
        file: 'mongodb/lease.ts',
        replace: 'expiresAt: { $lt: this.mongo.time.now() }',
        by: 'expiresAt: { $lt: new Date(this.mongo.time.now().getTime() + 10_000) }',
        specs: 'mongodb/lease',
      },
      'renew a lease that another process has taken': {
        file: 'mongodb/lease.ts',
        replace: '{ _id: id, owner } as Filter<D>, update',
        by: '{ _id: id } as Filter<D>, update',
        specs: 'mongodb/lease',
      },
      'release a lease that another process has taken': {
        file: 'mongodb/lease.ts',
        replace: 'updateOne({ _id: id, owner }',
        by: 'updateOne({ _id: id }',
        specs: 'mongodb/lease',
      },
      'log the headers of requests': {
        file: 'process/logs.ts',
        replace: 'req: ({ id, method, url, remoteAddress }: LoggedRequest) => ({',
        by: 'req: ({ id, method, url, remoteAddress, ...more }: LoggedRequest) => ({\n        ...more,',
        specs: 'process/logs',
      },
      'log the headers of responses': {
        file: 'process/logs.ts',
        replace: 'res: ({ statusCode }: { readonly statusCode: number }) => ({ statusCode }),',
        by: 'res: (response: object) => response,',
        specs: 'process/logs',
      },
      'log secrets of queries': {
        file: 'process/logs.ts',
        replace: 'url: loggedUrl(url)',
        by: 'url',
        specs: 'process/logs',
      },
      'search whole parameters for the names of secrets': {
        file: 'process/logs.ts',
        replace: 'isSecret(parameter.slice(1, at))',
        by: 'isSecret(parameter)',
        specs: 'process/logs',
      },
      'log URLs of any length': {
        file: 'process/logs.ts',
        replace: 'url.slice(0, MAX_URL_LENGTH)',
        by: 'url',
        specs: 'process/logs',
      },
      'forget the keys of an issuer that is away': {
        file: 'auth/token-verifier.ts',
        replace: 'this.failures += 1;',
        by: 'this.failures += 1;\n      this.fetched = undefined;',
        specs: 'token-verifier',
      },
      'blame a token whose key may be new': {
        file: 'auth/token-verifier.ts',
        replace: "if (this.isAway) throw this.unavailable('The key of the token is unknown', unknown);",
        specs: 'token-verifier',
      },
      'keep keys for ever': {
        file: 'auth/token-verifier.ts',
        replace: 'return this.ageMs !== undefined && this.ageMs < this.options.maxAgeMs;',
        by: 'return this.ageMs !== undefined;',
        specs: 'token-verifier',
      },
      'compare the end of a token with another clock than it was read by': {
        file: 'auth/token-verifier.ts',
        replace: 'systemClock.now() + leftMs',
        by: 'Date.now() + leftMs',
        specs: 'token-verifier',
      },
      'leave out changes of a busy caller from the audit': {
        file: 'audit/audit-requests.ts',
        replace: "outcome === 'refused' ? refusals.admits(callerKey(request)) : audit.onlyRefusals !== true",
        by: 'refusals.admits(callerKey(request))',
        specs: 'audit-requests',
      },
      'drop audit events while MongoDB is away': {
        file: 'audit/audit-trail.ts',
        replace: 'await pause(this.parts.clock, RETRY_MS);',
        by: 'this.waiting.splice(0, batch.length);',
        specs: 'audit-trail',
      },
      'lose an audit event that is recorded while a write ends': {
        file: 'audit/audit-trail.ts',
        replace: '    this.writing = undefined;',
        by: '    await undefined;\n    this.writing = undefined;',
        specs: 'audit-trail',
      },
      'lose an audit event that is recorded while the trail closes': {
        file: 'audit/audit-trail.ts',
        replace: 'while (this.writing !== undefined) await this.writing;',
        by: 'await this.writing;',
        specs: 'audit-trail',
      },
      'accept pages of other ports of this machine': {
        file: 'http/known-hosts.ts',
        replace: 'page.host === host.toLowerCase()',
        by: "page.hostname === host.split(':')[0]",
        specs: 'http-shell',
      },
      'accept writes of foreign pages whose browser sends no Origin': {
        file: 'http/known-hosts.ts',
        replace: "site === 'cross-site' ||",
        specs: 'http-shell',
      },
      'keep responses whose client has stopped reading': {
        file: 'http/transfer-limits.ts',
        replace: "acknowledged - this.acknowledged < this.fewestBytes) this.cut('stalled');",
        by: 'acknowledged < this.acknowledged) return;',
      },
      'cut a response whose client reads slower than the kernel takes the next chunk': {
        file: 'http/transfer-limits.ts',
        replace: 'acceptedBytes(socket) - unacknowledged',
        by: 'acceptedBytes(socket)',
      },
      'take a connection that the kernel has not reported for one without unacknowledged bytes': {
        file: 'http/transfer-limits.ts',
        replace: 'const unacknowledged = queued(socket);',
        by: 'const unacknowledged = queued(socket) ?? 0;',
      },
      'cut an idle event stream': {
        file: 'http/transfer-limits.ts',
        replace: 'const isPending = raw.socket.writableLength > 0;',
        by: 'const isPending = raw.socket.writableLength >= 0;',
      },
      'let a response outlive the token of its caller': {
        file: 'http/transfer-limits.ts',
        replace: 'if (caller !== null && now >= caller.validUntil) return this.expire(isPending);',
      },
      'take an export for complete although its token has expired': {
        file: 'http/transfer-limits.ts',
        replace: '/^text\\/event-stream\\b/',
        by: '/^text\\//',
      },
      'wait for unread responses before a stop': {
        file: 'http/transfer-limits.ts',
        replace: 'drainedAt = clock.now() + drainMs;',
      },
      'cut requests whose handler works when the service stops': {
        file: 'http/transfer-limits.ts',
        replace: "if (!reply.raw.headersSent && !isReceiving) return 'running';",
      },
      'read a body before the token is checked': {
        file: 'auth/authenticate.ts',
        replace: "fastify.addHook('onRequest', (request, _reply, done) => {",
        by: "fastify.addHook('preHandler', (request, _reply, done) => {",
        specs: 'auth/authenticate',
      },
      'never probe a silent connection': {
        file: 'http/connections.ts',
        replace: 'keepAlive: true, ',
      },
    },
  },
  /** Mutants of the commands that move orders to archives and back. */
  {
    ...ARCHIVE,
    specs: 'archive/archive-run',
    mutants: {
      'remove orders before their file is verified': {
        file: 'archive/archive-block.ts',
        replace: 'await verifyArchive(folder, manifest.name);',
      },
      'remove orders that MongoDB had changed since they were written': {
        file: 'archive/archive-block.ts',
        replace:
          'if (count !== manifest.count || documents.sha256 !== manifest.documents.sha256) throw this.differs(manifest);',
      },
      'archive orders that are not those of the verified block': {
        file: 'archive/archive-block.ts',
        replace: 'if (inspection.digest().equals(digest)) return;',
        by: 'return void [inspection, digest];',
      },
      'remove orders that are not listed': {
        file: 'archive/archive-run.ts',
        replace: 'await store.list(range);',
      },
      'remove orders while consumers work with an older list': {
        file: 'archive/archive-run.ts',
        replace: 'return at.getTime() + this.context.removeAfterMs - this.context.store.now().getTime();',
        by: 'return 0 * at.getTime();',
      },
      'leave orders that were saved again after they were archived': {
        file: 'archive/archive-run.ts',
        replace: "range.state === 'archived' && (await store.count(runsOf(range))) > 0",
        by: 'false',
      },
      'archive orders whose records the consumers may read again': {
        file: 'archive/archive-run.ts',
        replace: 'const behind = inspection.uncommitted(committed, await positions.ends(ORDERS_TOPIC));',
        by: 'const behind = undefined;',
      },
      'bring orders back and forget the range in the list': {
        file: 'archive/archive-run.ts',
        replace: 'await store.unlist(range);',
      },
      'take a range from the list before its orders are compared': {
        file: 'archive/archive-run.ts',
        replace: 'await requireStored(context, range);',
      },
      'bring back an archive that is not verified': {
        file: 'archive/archive-run.ts',
        replace: "await verifyArchiveOf(folder, range);\n  await store.change(range, 'returning');",
        by: "await store.change(range, 'returning');",
      },
    },
  },
  /** Mutants of the lease that archiving and bringing back need. */
  {
    ...ARCHIVE,
    specs: 'archive/archive-lock',
    mutants: {
      'let the lease of a command that works expire': {
        file: 'archive/archive-lock.ts',
        replace: 'void renewLease(lock, lost);',
        by: 'void [renewLease, lost];',
      },
      'go on archiving when the lease is lost': {
        file: 'archive/archive-lock.ts',
        replace: 'if ((await lock.renew()) === null) lost.abort(reason);',
        by: 'await lock.renew();',
      },
    },
  },
  /** Mutants of the command that adds partitions. */
  {
    ...ARCHIVE,
    specs: 'topics/expand-topics',
    mutants: {
      'wait for a producer that was silent for a day': {
        file: 'topics/expand-topics.ts',
        replace: 'await record.removeEnded();',
      },
    },
  },
  /** Mutants of a consumer that meets records of archived orders. */
  {
    name: 'archive in consumers',
    folder: 'apps/consumer/src',
    specs: 'archived-orders',
    mutants: {
      'save archived orders again: ignore the list': {
        file: 'archived-orders.ts',
        replace: 'if (list.isEmpty) return insert(documents);',
        by: 'return insert(documents);',
      },
      'save with a list of archived orders that has aged during the check': {
        file: 'archived-orders.ts',
        replace: 'list.ranges !== ranges || !list.isFresh()',
        by: 'list.ranges !== ranges',
      },
      'take a new record of an archived order for a replay': {
        file: 'archived-orders.ts',
        replace: 'if (isReplay(range, ingest.partition, Number(ingest.offset))) return REPLAYED;',
        by: 'if (isReplay(range, ingest.partition, 0)) return REPLAYED;',
      },
      'look for archived orders by number only': {
        file: 'archived-orders.ts',
        replace: 'await addById(documents, results, ids);',
      },
    },
  },
  /** Mutants of what the query API does about archived orders. */
  {
    name: 'archive in queries',
    folder: 'apps/query-api/src',
    specs: 'orders/number-holes',
    mutants: {
      'wait for archived orders: pages and the watermark ignore the list': {
        file: 'orders/number-holes.ts',
        replace: 'return merged([...unused, ...removed]);',
        by: 'void removed;\n  return merged(unused);',
      },
      'add up archived orders: keep the rollups of full blocks': {
        file: 'summary/rollup-keeper.ts',
        replace: "if (archived === 'some') return true;",
        by: "if (archived !== 'all') return kept !== size;",
        specs: 'summary/rollup-keeper',
      },
    },
  },
];
