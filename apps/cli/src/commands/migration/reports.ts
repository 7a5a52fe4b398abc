import type { CommandContext } from '../../command-context.js';
import { EXIT_CODE, type ExitCode } from '../../exit-code.js';
import type { CapabilityState, Migration, MismatchPage, PendingIntents } from '#api/facade.js';
import { count } from '../../terminal/figures.js';
import { printable } from '../../terminal/printable.js';
import { tableOf } from '../../terminal/table.js';

/** Prints the stage of each capability, and which conditions of the next step do not hold. */
export async function status({ client, terminal }: CommandContext, json?: true): Promise<ExitCode> {
  const migration = await client.request<Migration>({ method: 'GET', path: '/v1/migration' });
  terminal.out.write(`${json ? JSON.stringify(migration) : statusText(migration)}\n`);
  return EXIT_CODE.ok;
}

/** Returns a state such as `live at 10 %`. */
export function stateText({ stage, percent }: Pick<CapabilityState, 'stage' | 'percent'>): string {
  return stage === 'off' ? 'off' : `${stage} at ${percent} %`;
}

function statusText({ capabilities, hold, change }: Migration): string {
  const lines = [
    tableOf(
      COLUMNS,
      Object.entries(capabilities).map(([name, state]) => [
        name,
        stateText(state),
        count(state.samples),
        count(state.mismatches),
        `${milliseconds(state.p99Ms.legacy)} / ${milliseconds(state.p99Ms.new)}`,
        count(state.pendingIntents),
      ]),
    ),
  ];
  for (const [name, { cause, gate }] of Object.entries(capabilities)) {
    if (cause !== undefined) lines.push(printable(`${name} was taken back: ${cause}`));
    const unmet = gate.filter(({ holds }) => !holds);
    for (const { condition, wanted, found } of unmet)
      lines.push(printable(`${name}: next step needs ${condition} ${wanted}; found ${found}`));
  }
  if (hold !== null) lines.push(printable(`Held by ${hold.by} since ${hold.since}: ${hold.reason}`));
  if (change !== null)
    lines.push(printable(`Writes are moving to ${stateText(change)} (${change.step}), until ${change.deadline}`));
  return lines.join('\n');
}

const COLUMNS = [
  { heading: 'capability' },
  { heading: 'stage' },
  { heading: 'compared', align: 'right' },
  { heading: 'mismatches', align: 'right' },
  { heading: 'p99 ms, legacy / new', align: 'right' },
  { heading: 'open writes', align: 'right' },
] as const;

function milliseconds(value: number | null): string {
  return value === null ? '-' : value.toFixed(1);
}

/** Prints the newest mismatches, each with its fields. */
export async function listMismatches(
  { client, terminal }: CommandContext,
  { capability, json }: { readonly capability?: string; readonly json?: true },
): Promise<ExitCode> {
  const query = new URLSearchParams({ pageSize: '100', ...(capability !== undefined && { capability }) });
  const page = await client.request<MismatchPage>({
    method: 'GET',
    path: `/v1/migration/mismatches?${query.toString()}`,
  });
  if (json) terminal.out.write(`${JSON.stringify(page)}\n`);
  else if (page.items.length === 0) terminal.err.write('No mismatches found.\n');
  else
    for (const { capability: kind, key, count: times, paths, recheck } of page.items) {
      const often = `${times > 1 ? `, ${count(times)} times` : ''}${recheck === 'passed' ? ', equal when asked again' : ''}`;
      terminal.out.write(`${printable(`${kind} ${key}${often}`)}\n`);
      for (const { path, legacy, new: other, code } of paths)
        terminal.out.write(
          `  ${printable(`${path}: legacy ${legacy ?? 'has none'}, new ${other ?? 'has none'}${code ? ` (${code})` : ''}`)}\n`,
        );
    }
  return EXIT_CODE.ok;
}

/** Prints the open write intents, the oldest first. */
export async function listPending({ client, terminal }: CommandContext, json?: true): Promise<ExitCode> {
  const pending = await client.request<PendingIntents>({ method: 'GET', path: '/v1/migration/pending' });
  if (json) terminal.out.write(`${JSON.stringify(pending)}\n`);
  else if (pending.count === 0) terminal.err.write('No writes are open.\n');
  else
    for (const { id, number, ageMs, legacy, new: created, reason } of pending.items)
      terminal.out.write(
        `${printable(`${id} number ${number}: ${(ageMs / 1_000).toFixed(1)} s old, legacy ${legacy}, new ${created}${reason === null ? '' : `: ${reason}`}`)}\n`,
      );
  return EXIT_CODE.ok;
}
