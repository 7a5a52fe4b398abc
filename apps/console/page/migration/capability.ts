import type { CapabilityState, Migration } from './facade-api.js';

export type Capability = keyof Migration['capabilities'];
export type Stage = CapabilityState['stage'];

/** What moves by stages of its own, with the name that the page shows. */
export const CAPABILITIES: Readonly<Record<Capability, string>> = {
  writes: 'Writes',
  'read-by-id': 'Reads by id',
  'read-by-page': 'Reads by page',
  'read-by-range': 'Reads by range',
};

export const CAPABILITY_NAMES = Object.keys(CAPABILITIES) as readonly Capability[];

const WRITE_STAGES: readonly Stage[] = ['off', 'dualwrite', 'live', 'complete'];
const READ_STAGES: readonly Stage[] = ['off', 'shadow', 'live', 'complete'];

/** Returns the stages of a capability, in their order. */
export function stagesOf(capability: Capability): readonly Stage[] {
  return capability === 'writes' ? WRITE_STAGES : READ_STAGES;
}

/** Returns the stage before or after a stage; `undefined` if there is none. */
export function neighbourOf(capability: Capability, stage: Stage, by: 1 | -1): Stage | undefined {
  const stages = stagesOf(capability);
  return stages[stages.indexOf(stage) + by];
}

/** Names a state, such as `live at 25 %`. */
export function stateText({ stage, percent }: Pick<CapabilityState, 'stage' | 'percent'>): string {
  return stage === 'off' ? 'off' : `${stage} at ${percent} %`;
}
