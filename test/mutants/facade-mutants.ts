import type { MutatedSource } from './mutant.js';

const FACADE = { name: 'facade', folder: 'apps/facade/src' };

/** Mutants of the facade. */
export const FACADE_MUTANTS: readonly MutatedSource[] = [
  /** Mutants of the stages, their changes, and what an instance knows of them. */
  {
    ...FACADE,
    specs: 'stages/stages',
    mutants: {
      'enter off without acknowledgements': {
        file: 'stages/change-rules.ts',
        replace: "return from === 'off' || to === 'off' || to === 'complete'",
        by: "return from === 'off' || to === 'complete'",
      },
      'leave off without acknowledgements': {
        file: 'stages/change-rules.ts',
        replace: "return from === 'off' || to === 'off' || to === 'complete'",
        by: "return to === 'off' || to === 'complete'",
        specs: 'migration/stage-changes',
      },
      'enter live without acknowledgements: an instance does not know that the legacy system may lag': {
        file: 'stages/change-rules.ts',
        replace: " || (from === 'dualwrite' && to === 'live');",
        by: ';',
        specs: 'random-walks.property',
      },
      'copy less without acknowledgements: an instance still reads where orders will be missing': {
        file: 'stages/change-rules.ts',
        replace: "if (from === to) return to === 'dualwrite' && percent < before;",
        by: 'if (from === to) return false;',
      },
      'copy more without a drain: the verify misses an order that only the legacy system gets': {
        file: 'stages/change-rules.ts',
        replace: "if (change.stage !== 'off' && !copiesMore(snapshot, change)) return",
        by: "if (change.stage !== 'off') return",
      },
      'enter off before the legacy system has all orders': {
        file: 'migration/stage-changes.ts',
        replace: "const isReady = missing === '' &&",
        by: "const isReady = (missing === '' || change.step === 'drain') &&",
        specs: 'stage-changes',
      },
      'the legacy system no longer lags although orders are open': {
        file: 'migration/stage-changes.ts',
        replace: "if (open.some(({ answering }) => answering === 'new')) return false;",
        specs: 'migration/stage-changes',
      },
      'the numbers of the facade begin anywhere': {
        file: 'migration/stage-changes.ts',
        replace: 'if (fence !== null) return true;',
        by: 'if (fence === null) return true;',
        specs: 'migration/stage-changes',
      },
      'use stale state beyond its lease': {
        file: 'migration/migration-state.ts',
        replace: 'clock.now() - known.at < KNOWLEDGE_LEASE_MS ? known.snapshot : undefined',
        by: 'clock.now() - known.at < 1e9 ? known.snapshot : undefined',
        specs: 'migration-state',
      },
      'acknowledge while a write of off is running': {
        file: 'migration/migration-state.ts',
        replace: "const hasEnded = this.unfenced === 0 || writeRoute(snapshot) === 'unfenced';",
        by: 'const hasEnded = true;',
        specs: 'migration-state',
      },
      'act for ever on what was acknowledged': {
        file: 'migration/migration-state.ts',
        replace: 'this.ports.clock.now() - this.acknowledged.at < ACKNOWLEDGEMENT_LEASE_MS ? this.latest : undefined',
        by: 'this.latest',
        specs: 'migration-state',
      },
      'change stages while a silent instance may act on what it knows': {
        file: 'migration/stage-changes.ts',
        replace: 'now < actsUntil(instance)',
        by: 'instance.revision < 0',
        specs: 'migration/stage-changes',
      },
      'a process replaces one of its name that is cut off elsewhere': {
        file: 'testing/memory-stores.ts',
        replace: 'this.registrations.set(`${name}@${address}`, { name, process, revision: 0,',
        by: 'this.registrations.clear();\n    this.registrations.set(`${name}@${address}`, { name, process, revision: 0,',
        specs: 'migration/stage-changes',
      },
      'roll back to an unavailable legacy system': {
        file: 'stages/gate.ts',
        replace: 'if (isLegacyUnavailable)',
        by: 'if (isLegacyUnavailable && cause === undefined)',
      },
      'failures of the legacy system count against the target': {
        file: 'stages/gate.ts',
        replace: "errorRateOf(lately, 'new')",
        by: "errorRateOf(lately, 'legacy')",
      },
      'a hold blocks nothing': {
        file: 'stages/change-rules.ts',
        replace: 'if (hold !== null)',
        by: "if (hold?.reason === '')",
      },
      'a second change begins while one is in progress': {
        file: 'stages/change-rules.ts',
        replace: 'if (change !== null)',
        by: "if (change?.reason === '')",
      },
      'reads may go live before the target has all orders': {
        file: 'stages/change-rules.ts',
        replace: "if (stage !== 'shadow' && !isCopied)",
        by: "if (stage === 'off' && !isCopied)",
      },
      'force overrides what can not be taken back': {
        file: 'stages/gate.ts',
        replace: "return gate.filter(({ condition }) => condition === 'verify' || condition === 'open-intents');",
        by: 'return [];',
      },
    },
  },
  /**
   * Mutants of admission, outbox, numbers and reads. Those of the store in memory are rules that the contract suite checks for MongoDB's
   * too: here they show that the walks need them.
   */
  {
    ...FACADE,
    specs: 'random-walks.property',
    mutants: {
      'skip the epoch check: a write is admitted by what an instance knew': {
        file: 'testing/memory-stores.ts',
        replace: 'before.epoch !== epoch ||',
      },
      'admit while older intents are open': {
        file: 'testing/memory-stores.ts',
        replace: 'open.epoch < epoch ||',
      },
      'forget an intent after a time-out': {
        file: 'writes/fenced-writes.ts',
        replace: "if (outcome.result === 'unknown') return { ...place, error: outcome.message };",
        by: "if (outcome.result === 'unknown') return { ...place, close: true };",
      },
      'treat unknown as refused': {
        file: 'writes/outbox.ts',
        replace:
          "if (outcome.result === 'unknown') return { ...place, error: outcome.message };\n    if (outcome.result === 'refused')",
        by: "if (outcome.result === 'unknown') return { ...place, close: true };\n    if (outcome.result === 'refused')",
      },
      'a dual write is in the trace of another client': {
        file: 'writes/outbox.ts',
        replace: 'left.findIndex(({ intent }) => intent.traceparent !== cause)',
        by: '-1',
        specs: 'writes/outbox',
      },
      'traced orders are written behind one without an outcome': {
        file: 'writes/outbox.ts',
        replace: 'if (unknown !== undefined) outcomes.push(',
        by: 'if (unknown === null) outcomes.push(',
        specs: 'writes/outbox',
      },
      'acknowledge before the primary has answered': {
        file: 'writes/fenced-writes.ts',
        replace: 'const outcome = await this.primary.run(intent, signal);',
        by: "void this.primary.run(intent, signal);\n    const outcome: PrimaryOutcome = { result: 'stored' };",
      },
      'the instance does not wait for earlier writes of the account': {
        file: 'writes/fenced-writes.ts',
        replace: 'while (seqs.size > 0) {',
        by: 'while (seqs.size < 0) {',
      },
      'drop the account order on the way to the target': {
        file: 'writes/outbox.ts',
        replace: "if (isFree('new') && !behind.new.has(accountId)) plan.toTarget.push(item);",
        by: "if (isFree('new')) plan.toTarget.push(item);",
      },
      'drop the account order on the way to the legacy system': {
        file: 'writes/outbox.ts',
        replace: "if (isFree('legacy') && !behind.legacy.has(accountId)) plan.toLegacy.push(item);",
        by: "if (isFree('legacy')) plan.toLegacy.push(item);",
      },
      'close an intent before the secondary has stored it': {
        file: 'writes/fenced-writes.ts',
        replace: "return intent.new === 'none' ? { ...place, close: true } : { ...place, legacy: 'stored' };",
        by: 'return { ...place, close: true };',
      },
      'treat sent as readable': {
        file: 'writes/bucket-store.ts',
        replace: "return intent.new === 'open' || intent.new === 'sent';",
        by: "return intent.new === 'open';",
      },
      'reads of the legacy system never wait': {
        file: 'writes/bucket-store.ts',
        replace: "if (side === 'legacy') return intent.answering === 'new' && intent.legacy === 'open';",
        by: "if (side === 'legacy') return false;",
      },
      'reuse a number block after off': {
        file: 'writes/number-blocks.ts',
        replace: 'if (block?.period !== period) return undefined;',
        by: 'if (block === undefined) return undefined;',
        specs: 'writes/posted-orders',
      },
      'assign a number that a client has chosen': {
        file: 'writes/number-blocks.ts',
        replace: 'while (block.chosen.has(block.next)) block.next += 1;',
        specs: 'writes/posted-orders',
      },
      'an id that a client repeats is written again under a new number': {
        file: 'writes/fenced-writes.ts',
        replace: 'if (isIdGiven) {',
        by: 'if (isIdGiven && isNumberGiven) {',
      },
      'a write of off ends although its outcome is unknown': {
        file: 'writes/posted-orders.ts',
        replace: 'if (fields === undefined || isUnsent(error)) end();',
        by: 'if (fields !== undefined || isUnsent(error)) end();',
        specs: 'writes/posted-orders',
      },
      'a repeat finishes the write of a dead instance before earlier writes of its account': {
        file: 'writes/fenced-writes.ts',
        replace:
          'const next = open.find((other) => other.order.accountId === accountId && isUnanswered(other)) ?? intent;',
        by: 'const next = intent;',
        specs: 'writes/posted-orders',
      },
      'a repeat waits for a dead instance until the outbox worker finds out': {
        file: 'writes/fenced-writes.ts',
        replace: '>= limits.outbox.repairAfterMs) {',
        by: '>= 10 * limits.outbox.repairAfterMs) {',
        specs: 'writes/posted-orders',
      },
      'an order is not looked up on the target while the legacy system gets it': {
        file: 'writes/outbox.ts',
        replace: "isFree('check')",
        by: "isFree('legacy')",
        specs: 'writes/outbox',
      },
      'a refusal of the secondary is not reported': {
        file: 'writes/outbox.ts',
        replace: 'await this.ports.reports.diverged(item.intent, side, outcome);',
      },
      'a refusal of the legacy system closes an intent before the target is readable': {
        file: 'writes/outbox.ts',
        replace: "side === 'legacy' && item.intent.new !== 'readable'",
        by: "side === 'legacy' && item.intent.new === 'open'",
        specs: 'writes/outbox',
      },
      'two writes of one bucket admit the same id': {
        file: 'testing/memory-stores.ts',
        replace: 'open.order.id === intent.order.id ||',
      },
    },
  },
  /** Mutants of the comparison of both sides. */
  {
    ...FACADE,
    specs: 'comparison/',
    mutants: {
      'ask again before the open writes are final': {
        file: 'comparison/comparisons.ts',
        replace: 'await this.untilFinal(job);',
      },
      'skip the re-check': {
        file: 'comparison/comparisons.ts',
        replace: 'let before = first;',
        by: "if (first.length > 0) return { verdict: 'differs', differences: first };\n  let before = first;",
      },
      'take each difference of the second reading for one that has stayed': {
        file: 'comparison/comparisons.ts',
        replace: 'now.filter((difference) => known.has(identityOf(difference)))',
        by: 'now.filter(() => known.size > 0)',
      },
      'queue without a limit': {
        file: 'comparison/comparisons.ts',
        replace: 'if (this.jobs.length >= MAX_QUEUED || this.bytes > MAX_QUEUED_BYTES) return false;',
      },
      'compare answers of a minute ago': {
        file: 'comparison/comparisons.ts',
        replace: 'if (now - oldest.since <= MAX_WAIT_MS) return oldest.job;',
        by: 'return oldest.job;',
      },
      'compare beyond the budget': {
        file: 'comparison/comparisons.ts',
        replace: 'if (this.left < 1) return false;',
      },
      'a rule ignores differences after its last day': {
        file: 'comparison/ignore-rules.ts',
        replace: 'now >= Date.parse(expires) + DAY_MS',
        by: 'now >= Date.parse(expires) + 2 * DAY_MS',
        specs: 'src/facade-files.spec',
      },
    },
  },
  /** Mutants of what backfill and verify leave out. */
  {
    ...FACADE,
    specs: 'runs/backfill',
    mutants: {
      'a gap ends one interval too late: the order behind it is neither copied nor compared': {
        file: 'runs/side-readers.ts',
        replace: 'else if (asked === INTERVAL_NUMBERS) return start;',
        by: 'else if (asked === INTERVAL_NUMBERS) return start + asked;',
      },
      'numbers whose answer failed count as a gap': {
        file: 'runs/side-readers.ts',
        replace: "if (answer === 'unknown') return start;",
        by: "if (answer === 'unknown') start = to + 1;",
      },
    },
  },
  /** Mutants of what the facade accepts from its clients. */
  {
    ...FACADE,
    specs: 'legacy-api.spec',
    mutants: {
      'accept the demo key in production': {
        file: 'clients.ts',
        replace: 'isProduction && key === DEMO_KEY',
        by: "isProduction && key === ''",
        specs: 'src/facade-files.spec',
      },
      'accept writes of foreign pages from clients with keys': {
        file: 'legacy-api.ts',
        replace: 'else rejectForeignWrites(scope, hosts);',
      },
      'forward a read to the host of a whole URL': {
        file: 'legacy-api.ts',
        replace: 'const path = forwardedTarget(route, request.raw);\n      const forwarded',
        by: "const path = request.raw.url ?? '/';\n      const forwarded",
      },
      'forward a write to the host of a whole URL': {
        file: 'legacy-api.ts',
        replace: 'const path = forwardedTarget(route, request.raw);\n  const headers',
        by: "const path = request.raw.url ?? '/';\n  const headers",
      },
    },
  },
  /** Mutants of what one client of the facade can take away from the others. */
  {
    ...FACADE,
    specs: 'legacy-api.spec',
    mutants: {
      'let one client hold all connections with long answers': {
        file: 'legacy-api.ts',
        replace: 'longAnswers.hold(request, reply, request.client ?? callerKey(request));',
      },
      'count the long answers of all clients of an address together': {
        file: 'legacy-api.ts',
        replace: 'request.client ?? callerKey(request)',
        by: 'callerKey(request)',
      },
      'keep the connection of an answer beyond the limit': {
        file: 'legacy-api.ts',
        replace: 'disconnected.abort(error);',
      },
      'send requests to a side that does not answer': {
        file: 'sides/side-connection.ts',
        replace: 'if (error instanceof SideUnavailableError) this.fail();',
        specs: 'sides/sides',
      },
      'failures count although requests were answered between them': {
        file: 'sides/side-connection.ts',
        replace: 'if (!this.isOpen) this.failures = 0;',
        specs: 'sides/sides',
      },
      'write over the connections of reads': {
        file: 'sides/sides.ts',
        replace: "this.answering = this.connect('answering', LEGACY_CONNECTIONS, NEW_SIDE_CONNECTIONS);",
        by: 'this.answering = this.reading;',
        specs: 'sides/sides',
      },
    },
  },
];
