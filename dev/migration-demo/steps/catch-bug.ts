import { failure, type FoundMismatch } from '../migration-api.js';
import type { CaughtBug, DemoContext } from './demo-context.js';
import { READS } from './plan.js';
import { waitUntil } from './wait-until.js';

const WITHIN_MS = 60_000;
/** A whole order is longer. */
const SHOWN_CHARACTERS = 80;

/** Waits for a mismatch in the bug's field, and shows that the gate refuses the next stage. */
export async function catchBug({ api, findings, signal }: DemoContext, field: string): Promise<string> {
  const { mismatch, path } = await waitUntil(`a mismatch in ${field}`, WITHIN_MS, signal, async () => {
    for (const capability of READS)
      for (const found of await api.mismatches(capability)) {
        const differing = found.paths.find((each) => fieldIn(each.path) === field);
        if (differing !== undefined) return { mismatch: found, path: differing };
      }
    return undefined;
  });
  const caughtAt = performance.now();
  const unmet = await refusedPromotion(api, mismatch, signal);
  const caught: CaughtBug = {
    capability: mismatch.capability,
    key: mismatch.key,
    path: path.path,
    field,
    legacy: shortened(path.legacy),
    new: shortened(path.new),
    afterSeconds: (caughtAt - findings.shadowSince) / 1_000,
    unmet,
  };
  findings.caught = caught;
  return `caught in ${caught.capability} after ${caught.afterSeconds.toFixed(1)} s: ${path.path} is ${caught.legacy} on the legacy system, ${caught.new} on the new side`;
}

/** Requests the promotion that the bug must prevent. @returns the conditions of the gate that did not hold */
async function refusedPromotion(
  api: DemoContext['api'],
  { capability }: FoundMismatch,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const read = READS.find((name) => name === capability) ?? 'read-by-id';
  return waitUntil('the gate counts the mismatch', WITHIN_MS, signal, async () => {
    const refused = await api.move(read, 'live', 100, 'demo: this must be refused');
    if (refused?.code !== 'gate-not-met') throw failure(`${read} went to live although its answers differ`);
    const unmet = refused.gate.filter(({ holds }) => !holds).map(({ condition }) => condition);
    return unmet.includes('mismatches') ? unmet : undefined;
  });
}

/** Returns the field of a path such as `1001.price`; `order` for a whole order. */
export function fieldIn(path: string): string {
  const last = path.split('.').at(-1) ?? path;
  return /^\d+$/.test(last) ? 'order' : last;
}

function shortened(value = 'missing'): string {
  return value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
}
