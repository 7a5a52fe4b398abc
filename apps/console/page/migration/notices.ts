import { moment } from '../text/figures.js';
import { CAPABILITIES, CAPABILITY_NAMES, stateText } from './capability.js';
import type { FacadeInstance, Migration } from './facade-api.js';

/** Something that concerns the whole migration. `bad` needs a person now. */
export interface Notice {
  readonly tone: 'bad' | 'warn' | 'busy';
  readonly text: string;
}

const STEPS = {
  acknowledge: 'every facade instance must acknowledge it',
  buckets: 'the buckets of accounts are being handed over',
  drain: 'the legacy system must get all open orders first',
} as const;

/** An instance that is silent for longer than this blocks changes. */
const SILENT_MS = 5_000;

/** Returns what the page says above everything else: rollbacks, a change in progress, a hold, silent instances. */
export function noticesOf({ capabilities, change, hold, instances }: Migration): readonly Notice[] {
  const notices: Notice[] = CAPABILITY_NAMES.flatMap((name): Notice[] => {
    const { cause, since, ...state } = capabilities[name];
    if (cause === undefined) return [];
    const text = `${CAPABILITIES[name]} went back to ${stateText(state)} automatically at ${moment(since)}. Cause: ${cause}. They stay there until you move them.`;
    return [{ tone: 'bad', text }];
  });
  if (hold !== null)
    notices.push({
      tone: 'warn',
      text: `Held by ${hold.by} since ${moment(hold.since)}: ${hold.reason}. No stage changes, and there is no automatic rollback.`,
    });
  if (change !== null)
    notices.push({
      tone: 'busy',
      text: `Writes are moving to ${stateText(change)}: ${STEPS[change.step]}. Requested by ${change.by}: ${change.reason}. The facade gives up at ${moment(change.deadline)}.`,
    });
  const silent = silentInstances(instances);
  if (silent.length > 0)
    notices.push({
      tone: 'warn',
      text: `Silent facade ${silent.length === 1 ? 'instance' : 'instances'}: ${silent.join(', ')}. Changes that every instance must acknowledge are refused.`,
    });
  return notices;
}

/** Names the instances whose last report is much older than the newest report of any instance. */
export function silentInstances(instances: readonly FacadeInstance[]): readonly string[] {
  const newest = Math.max(...instances.map(({ refreshedAt }) => Date.parse(refreshedAt)));
  return instances.filter(({ refreshedAt }) => newest - Date.parse(refreshedAt) > SILENT_MS).map(({ name }) => name);
}
