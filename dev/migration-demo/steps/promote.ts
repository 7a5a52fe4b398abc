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

/** Moves each target as soon as its gate holds, never by force. @throws StackError after 150 s, or if the facade has rolled it back */
export async function promote(context: DemoContext, targets: readonly Target[]): Promise<string> {
  await Promise.all(targets.map(async (target) => promoteOne(context, target)));
  return targets.map(nameOf).join(', ');
}

async function promoteOne(context: DemoContext, target: Target): Promise<void> {
  const { api, findings, traffic, elapsed, signal } = context;
  const { capability, stage, percent } = target;
  let last = '';
  try {
    await waitUntil(nameOf(target), WITHIN_MS, signal, async () => {
      const { capabilities } = await api.state();
      const { gate, cause, p50Ms, p99Ms } = capabilities[capability];
      if (cause !== undefined) throw failure(`${capability} was rolled back by the facade: ${cause}`);
      const unmet = gate.filter(({ holds }) => !holds);
      last = unmet.map(({ condition, found }) => `${condition} ${found}`).join(', ');
      if (unmet.length > 0) return undefined;
      const began = Date.now();
      const refused = await api.move(capability, stage, percent, 'demo: the gate holds');
      if (refused !== undefined) {
        if (!PASSING.has(refused.code)) throw failure(`${nameOf(target)} was refused: ${refused.detail}`);
        last = refused.detail;
        return undefined;
      }
      traffic.log.enter(capability, percent === 100 ? stage : `${stage} ${percent} %`);
      if (capability === 'writes' && stage === 'complete') findings.completeSince = began;
      if (stage === 'shadow') findings.shadowSince = performance.now();
      findings.gates.push({ target, atSeconds: elapsed(), conditions: gate, p50Ms, p99Ms });
      return true;
    });
  } catch (error) {
    if (last === '' || signal.aborted) throw error;
    throw failure(`${nameOf(target)}: ${String(error instanceof Error ? error.message : error)} (${last})`);
  }
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
