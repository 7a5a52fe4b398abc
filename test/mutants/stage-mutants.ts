import type { Mutant } from './mutant.js';

const STEPS = 'stages/steps.ts';
const CHANGES = 'stages/changes.ts';
const DRIVER = 'migration/change-driver.ts';
const STATE = 'state/migration-state.ts';

/** Mutants of the stages, their changes, and what an instance knows of them. */
export const STAGE_MUTANTS: readonly Mutant[] = [
  {
    name: 'enter off without acknowledgements',
    file: STEPS,
    replace: "return from === 'off' || to === 'off' || to === 'complete'",
    by: "return from === 'off' || to === 'complete'",
    specs: 'stages/stages',
  },
  {
    name: 'leave off without acknowledgements',
    file: STEPS,
    replace: "return from === 'off' || to === 'off' || to === 'complete'",
    by: "return to === 'off' || to === 'complete'",
    specs: 'migration/stage-changes',
  },
  {
    name: 'enter live without acknowledgements: an instance does not know that the legacy system may lag',
    file: STEPS,
    replace: " || (from === 'dualwrite' && to === 'live');",
    by: ';',
  },
  {
    name: 'copy less without acknowledgements: an instance still reads where orders will be missing',
    file: STEPS,
    replace: "if (from === to) return to === 'dualwrite' && percent < before;",
    by: 'if (from === to) return false;',
    specs: 'stages/stages',
  },
  {
    name: 'copy more without a drain: the verify misses an order that only the legacy system gets',
    file: STEPS,
    replace: "if (change.stage !== 'off' && !copiesMore(snapshot, change)) return",
    by: "if (change.stage !== 'off') return",
    specs: 'stages/stages',
  },
  {
    name: 'enter off before the legacy system has all orders',
    file: DRIVER,
    replace: "const isReady = missing === '' &&",
    by: "const isReady = (missing === '' || change.step === 'drain') &&",
    specs: 'stage-changes',
  },
  {
    name: 'the legacy system no longer lags although orders are open',
    file: DRIVER,
    replace: "if (open.some(({ answering }) => answering === 'new')) return false;",
    by: '',
    specs: 'migration/stage-changes',
  },
  {
    name: 'the numbers of the facade begin anywhere',
    file: DRIVER,
    replace: 'if (fence !== null) return true;',
    by: 'if (fence === null) return true;',
    specs: 'migration/stage-changes',
  },
  {
    name: 'use stale state beyond its lease',
    file: STATE,
    replace: 'clock.now() - known.at < KNOWLEDGE_LEASE_MS ? known.snapshot : undefined',
    by: 'clock.now() - known.at < 1e9 ? known.snapshot : undefined',
    specs: 'migration-state',
  },
  {
    name: 'acknowledge while a write of off is running',
    file: STATE,
    replace: "const hasEnded = this.unfenced === 0 || writeRoute(snapshot) === 'unfenced';",
    by: 'const hasEnded = true;',
    specs: 'migration-state',
  },
  {
    name: 'act for ever on what was acknowledged',
    file: STATE,
    replace: 'this.clock.now() - this.acknowledged.at < ACKNOWLEDGEMENT_LEASE_MS ? this.latest : undefined',
    by: 'this.latest',
    specs: 'migration-state',
  },
  {
    name: 'change stages while a silent instance may act on what it knows',
    file: 'migration/stage-changes.ts',
    replace: 'now < actsUntil(instance)',
    by: 'instance.revision < 0',
    specs: 'migration/stage-changes',
  },
  {
    name: 'a process replaces one of its name that is cut off elsewhere',
    file: 'testing/memory-stores.ts',
    replace: 'this.registrations.set(`${name}@${place}`, { name, process, revision: 0,',
    by: 'this.registrations.clear();\n    this.registrations.set(`${name}@${place}`, { name, process, revision: 0,',
    specs: 'migration/stage-changes',
  },
  {
    name: 'roll back to an absent legacy system',
    file: 'stages/rollback-policy.ts',
    replace: 'if (isLegacyAway)',
    by: 'if (isLegacyAway && cause === undefined)',
    specs: 'stages/stages',
  },
  {
    name: 'failures of the legacy system count against the new side',
    file: 'stages/rollback-policy.ts',
    replace: "errorRateOf(lately, 'new')",
    by: "errorRateOf(lately, 'legacy')",
    specs: 'stages/stages',
  },
  {
    name: 'a hold blocks nothing',
    file: CHANGES,
    replace: 'if (hold !== null)',
    by: "if (hold?.reason === '')",
    specs: 'stages/stages',
  },
  {
    name: 'a second change begins while one is in progress',
    file: CHANGES,
    replace: 'if (change !== null)',
    by: "if (change?.reason === '')",
    specs: 'stages/stages',
  },
  {
    name: 'reads may go live before the new side has all orders',
    file: CHANGES,
    replace: "if (stage !== 'shadow' && !isCopied)",
    by: "if (stage === 'off' && !isCopied)",
    specs: 'stages/stages',
  },
  {
    name: 'force overrules what can not be taken back',
    file: 'stages/gate.ts',
    replace: "return gate.filter(({ condition }) => condition === 'verify' || condition === 'open-intents');",
    by: 'return [];',
    specs: 'stages/stages',
  },
];
