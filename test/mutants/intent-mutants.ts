import type { Mutant } from './mutant.js';

const ANSWERING = 'intents/answering-write.ts';
const OUTBOX = 'intents/outbox.ts';
const PLAN = 'intents/outbox-plan.ts';
const FENCED = 'writes/fenced-writes.ts';
const STORE = 'testing/memory-stores.ts';

/**
 * Mutants of admission, outbox, numbers and reads. Those of the store in memory are rules that the contract suite checks for MongoDB's
 * too: here they show that the walks need them.
 */
export const INTENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'skip the epoch check: a write is admitted by what an instance knew',
    file: STORE,
    replace: 'before.epoch !== epoch ||',
    by: '',
  },
  {
    name: 'admit while older intents are open',
    file: STORE,
    replace: 'open.epoch < epoch ||',
    by: '',
  },
  {
    name: 'forget an intent after a time-out',
    file: ANSWERING,
    replace: "if (outcome.result === 'unknown') return { ...place, error: outcome.message };",
    by: "if (outcome.result === 'unknown') return { ...place, close: true };",
  },
  {
    name: 'treat unknown as refused',
    file: OUTBOX,
    replace:
      "if (outcome.result === 'unknown') return { ...place, error: outcome.message };\n    if (outcome.result === 'refused')",
    by: "if (outcome.result === 'unknown') return { ...place, close: true };\n    if (outcome.result === 'refused')",
  },
  {
    name: 'acknowledge before the answering side has answered',
    file: FENCED,
    replace: 'const outcome = await this.parts.answering.run(intent, signal);',
    by: "void this.parts.answering.run(intent, signal);\n    const outcome: AnsweringOutcome = { result: 'stored' };",
  },
  {
    name: 'the instance does not wait for earlier writes of the account',
    file: FENCED,
    replace: 'while (seqs.size > 0) {',
    by: 'while (seqs.size < 0) {',
  },
  {
    name: 'drop the account order on the way to the new side',
    file: PLAN,
    replace: "if (isFree('new') && !behind.new.has(accountId)) plan.toNew.push(item);",
    by: "if (isFree('new')) plan.toNew.push(item);",
  },
  {
    name: 'drop the account order on the way to the legacy system',
    file: PLAN,
    replace: "if (isFree('legacy') && !behind.legacy.has(accountId)) plan.toLegacy.push(item);",
    by: "if (isFree('legacy')) plan.toLegacy.push(item);",
  },
  {
    name: 'close an intent before the second side has stored it',
    file: ANSWERING,
    replace: "return intent.new === 'none' ? { ...place, close: true } : { ...place, legacy: 'stored' };",
    by: 'return { ...place, close: true };',
  },
  {
    name: 'treat sent as readable',
    file: 'intents/intent.ts',
    replace: "return intent.new === 'open' || intent.new === 'sent';",
    by: "return intent.new === 'open';",
  },
  {
    name: 'reads of the legacy system never wait',
    file: 'intents/intent.ts',
    replace: "if (side === 'legacy') return intent.answering === 'new' && intent.legacy === 'open';",
    by: "if (side === 'legacy') return false;",
  },
  {
    name: 'reuse a number block after off',
    file: 'intents/number-blocks.ts',
    replace: 'if (block?.period !== period) return undefined;',
    by: 'if (block === undefined) return undefined;',
    specs: 'number-blocks',
  },
  {
    name: 'assign a number that a client has chosen',
    file: 'intents/number-blocks.ts',
    replace: 'while (block.chosen.has(block.next)) block.next += 1;',
    by: '',
    specs: 'number-blocks',
  },
  {
    name: 'an id that a client repeats is written again under a new number',
    file: ANSWERING,
    replace: 'if (isIdGiven) {',
    by: 'if (isIdGiven && isNumberGiven) {',
  },
  {
    name: 'a write of off ends although its outcome is unknown',
    file: 'writes/unfenced-writes.ts',
    replace: 'if (fields === undefined || error instanceof NotSentError) end();',
    by: 'if (fields !== undefined || error instanceof NotSentError) end();',
    specs: 'unfenced-writes',
  },
  {
    name: 'a repeat finishes the write of a dead instance before earlier writes of its account',
    file: FENCED,
    replace: 'const next = open.find((other) => other.order.accountId === accountId && isUnanswered(other)) ?? intent;',
    by: 'const next = intent;',
    specs: '/fenced-writes',
  },
  {
    name: 'a repeat waits for a dead instance until the outbox worker finds out',
    file: FENCED,
    replace: '>= repairAfterMs) {',
    by: '>= 10 * repairAfterMs) {',
    specs: '/fenced-writes',
  },
  {
    name: 'an order is not looked up on the new side while the legacy system gets it',
    file: PLAN,
    replace: "isFree('check')",
    by: "isFree('legacy')",
    specs: 'intents/outbox',
  },
  {
    name: 'a refusal of the second side is not reported',
    file: OUTBOX,
    replace: 'await this.reports.diverged(item.intent, side, outcome);',
    by: '',
  },
  {
    name: 'a refusal of the legacy system closes an intent before the new side is readable',
    file: OUTBOX,
    replace: "side === 'legacy' && item.intent.new !== 'readable'",
    by: "side === 'legacy' && item.intent.new === 'open'",
    specs: 'intents/outbox',
  },
  {
    name: 'two writes of one bucket admit the same id',
    file: STORE,
    replace: 'open.order.id === intent.order.id ||',
    by: '',
  },
];
