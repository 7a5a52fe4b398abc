import type { CommandContext } from '../../command-context.js';
import { usageError } from '../../cli-error.js';
import { EXIT_CODE, type ExitCode } from '../../exit-code.js';
import type { CapabilityState, Migration } from '#api/facade.js';
import { printable } from '../../terminal/printable.js';
import { given } from '../given-members.js';
import { stateText } from './reports.js';

export interface MoveOptions {
  readonly percent?: number;
  readonly force?: true;
  readonly reason: string;
  readonly json?: true;
}

/** The stages of writes, and those of reads. */
const STAGES = {
  writes: ['off', 'dualwrite', 'live', 'complete'],
  reads: ['off', 'shadow', 'live', 'complete'],
} as const;

/** Moves to the next stage, or to more keys of the present one. */
export async function promote(context: CommandContext, capability: string, options: MoveOptions): Promise<ExitCode> {
  const { stage, percent, version } = await stateOf(context, capability);
  const next = percent < 100 ? stage : stagesOf(capability)[indexOf(capability, stage) + 1];
  if (next === undefined)
    throw usageError('last-stage', `${capability} is complete already.`, 'There is no stage after it.');
  return move(context, capability, { ...options, stage: next, version });
}

/** Moves to the stage before. */
export async function rollback(context: CommandContext, capability: string, options: MoveOptions): Promise<ExitCode> {
  const { stage, version } = await stateOf(context, capability);
  const before = stagesOf(capability)[indexOf(capability, stage) - 1];
  if (before === undefined)
    throw usageError('first-stage', `${capability} is off already.`, 'There is no stage before it.');
  return move(context, capability, { ...options, stage: before, version });
}

/** Blocks every change, or allows them again. */
export async function hold(
  { client, terminal }: CommandContext,
  { release, reason, json }: { readonly release?: true; readonly reason: string; readonly json?: true },
): Promise<ExitCode> {
  const migration = await client.request<Migration>({
    method: 'POST',
    path: '/v1/migration/hold',
    headers: { 'content-type': 'application/json' },
    body: () => JSON.stringify({ held: release === undefined, reason }),
  });
  const text = migration.hold === null ? 'Changes are allowed.' : 'Every change is blocked.';
  terminal.out.write(`${json ? JSON.stringify(migration) : text}\n`);
  return EXIT_CODE.ok;
}

async function move(
  { client, terminal }: CommandContext,
  capability: string,
  { json, ...change }: MoveOptions & { readonly stage: string; readonly version: number },
): Promise<ExitCode> {
  const migration = await client.request<Migration>({
    method: 'POST',
    path: `/v1/migration/${capability}`,
    headers: { 'content-type': 'application/json' },
    body: () => JSON.stringify(given({ ...change })),
    // A repeat names the version that was seen: it moves nothing twice.
    unknownOutcome: 'Read the state: npm run migration -- status',
  });
  const state = stateIn(migration, capability);
  terminal.out.write(`${json ? JSON.stringify(migration) : `${printable(capability)} is ${stateText(state)}.`}\n`);
  return EXIT_CODE.ok;
}

async function stateOf({ client }: CommandContext, capability: string): Promise<CapabilityState> {
  return stateIn(await client.request<Migration>({ method: 'GET', path: '/v1/migration' }), capability);
}

function stateIn({ capabilities }: Migration, capability: string): CapabilityState {
  const state = Object.entries(capabilities).find(([name]) => name === capability)?.[1];
  if (state !== undefined) return state;
  throw usageError(
    'unknown-capability',
    `There is no capability ${printable(capability)}.`,
    `It must be one of ${Object.keys(capabilities).join(', ')}.`,
  );
}

function stagesOf(capability: string): readonly string[] {
  return capability === 'writes' ? STAGES.writes : STAGES.reads;
}

function indexOf(capability: string, stage: string): number {
  return stagesOf(capability).indexOf(stage);
}
