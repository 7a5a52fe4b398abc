/** What moves from the legacy system to the new side, each by its own stages. */
export const CAPABILITIES = ['writes', 'read-by-id', 'read-by-page', 'read-by-range'] as const;
export type Capability = (typeof CAPABILITIES)[number];
export type ReadCapability = Exclude<Capability, 'writes'>;

/** A value for each capability. */
export type ByCapability<T> = Readonly<Record<Capability, T>>;

/** Makes a value for each capability. */
export function byCapability<T>(valueOf: (capability: Capability) => T): ByCapability<T> {
  return Object.fromEntries(CAPABILITIES.map((capability) => [capability, valueOf(capability)])) as ByCapability<T>;
}

/**
 * The stages of writes. `off`: only the legacy system. `dualwrite`: the legacy system answers, the new side follows. `live`: the new
 * side answers, the legacy system follows. `complete`: only the new side, for ever.
 */
export const WRITE_STAGES = ['off', 'dualwrite', 'live', 'complete'] as const;
export type WriteStage = (typeof WRITE_STAGES)[number];

/**
 * The stages of a kind of read. `off`: the legacy system answers. `shadow`: it answers, and both answers are compared. `live`: the
 * new side answers, and both are compared. `complete`: only the new side.
 */
export const READ_STAGES = ['off', 'shadow', 'live', 'complete'] as const;
export type ReadStage = (typeof READ_STAGES)[number];

/** Whether the answers of a read are compared. Both sides get all orders meanwhile: writes leave them no earlier. */
export function isComparedStage(stage: ReadStage): boolean {
  return stage === 'shadow' || stage === 'live';
}

export type Stage = WriteStage | ReadStage;

/** Returns the stages of a capability, in their order. */
export function stagesOf(capability: 'writes'): typeof WRITE_STAGES;
export function stagesOf(capability: ReadCapability): typeof READ_STAGES;
export function stagesOf(capability: Capability): readonly Stage[];
export function stagesOf(capability: Capability): readonly Stage[] {
  return capability === 'writes' ? WRITE_STAGES : READ_STAGES;
}
