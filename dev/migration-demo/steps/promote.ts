import type { MigrationResponse } from '../../../apps/facade/src/migration/migration-response.js';
import type { Capability } from '../../../apps/facade/src/stages/capability.js';
import { failure } from '../migration-api.js';
import type { DemoContext } from './demo-context.js';
import { nameOf, type Target } from './plan.js';
import { waitUntil } from './wait-until.js';

const WITHIN_MS = 150_000;
/** What time alone may change. Any other refusal is a defect of the plan, or of the facade. */
const PASSING: ReadonlySet<string> = new Set([
  'gate-not-met',
  'instances-missing',
  'not-acknowledged',
  'change-in-progress',
  'version-conflict',
]);

/** Moves each target as soon as its gate holds, never by force. @throws StackError after 150 s, or if the facade has rolled one back */
export async function promote(context: DemoContext, targets: readonly Target[]): Promise<string> {
  const { api, signal } = context;
  const missing = new Map(targets.map((target) => [target, '']));
  const what = (): string => [...missing].map(([target, reason]) => `${nameOf(target)} (${reason})`).join(', ');
  await waitUntil(what, WITHIN_MS, signal, async () => {
    const { capabilities } = await api.state();
    for (const target of missing.keys()) {
      const reason = await promoteOne(context, target, capabilities[target.capability]);
      if (reason === undefined) missing.delete(target);
      else missing.set(target, reason);
    }
    return missing.size === 0 ? true : undefined;
  });
  return targets.map(nameOf).join(', ');
}

/** @returns why not yet; `undefined` once it is done */
async function promoteOne(
  context: DemoContext,
  target: Target,
  state: MigrationResponse['capabilities'][Capability],
): Promise<string | undefined> {
  const { api, findings, traffic, elapsed } = context;
  const { capability, stage, percent } = target;
  const { gate, cause, p50Ms, p99Ms } = state;
  if (cause !== undefined) throw failure(`${capability} was rolled back by the facade: ${cause}`);
  const unmet = gate.filter(({ holds }) => !holds);
  if (unmet.length > 0) return unmet.map(({ condition, found }) => `${condition} ${found}`).join(', ');
  const began = Date.now();
  const refused = await api.move(capability, stage, percent, 'demo: the gate holds');
  if (refused !== undefined) {
    if (!PASSING.has(refused.code)) throw failure(`${nameOf(target)} was refused: ${refused.detail}`);
    return refused.detail;
  }
  traffic.log.enter(capability, percent === 100 ? stage : `${stage} ${percent} %`);
  if (capability === 'writes' && stage === 'complete') findings.completeSince = began;
  if (stage === 'shadow') findings.shadowSince = performance.now();
  findings.gates.push({ target, atSeconds: elapsed(), conditions: gate, p50Ms, p99Ms });
  return undefined;
}

/** Takes capabilities back to `off`, one after the other. */
export async function switchOff({ api, traffic, signal }: DemoContext, capabilities: readonly Target['capability'][]) {
  for (const capability of capabilities) {
    await waitUntil(`${capability} back to off`, WITHIN_MS, signal, async () => {
      const refused = await api.move(capability, 'off', 100, 'demo: a bug was caught');
      if (refused === undefined) return true;
      if (!PASSING.has(refused.code)) throw failure(`${capability} to off was refused: ${refused.detail}`);
      return undefined;
    });
    traffic.log.enter(capability, 'off');
  }
  return `${capabilities.join(', ')} off`;
}
