import { Long } from 'mongodb';
import { failure, type MigrationRun } from '../migration-api.js';
import type { DemoContext } from './demo-context.js';

const COUNT = new Intl.NumberFormat('en-US');

/** Copies the legacy system's orders, and waits until all are saved. */
export async function backfill({ api }: DemoContext): Promise<string> {
  const { result, translated = 0, operationIds = [], problem } = await api.run('backfill');
  if (result !== 'imported') throw failure(`the backfill ended as ${result}: ${problem}`);
  const unsaved = await api.untilSaved(operationIds);
  if (unsaved !== undefined) throw failure(`an import of the backfill ended as: ${unsaved}`);
  return `${COUNT.format(translated)} orders copied`;
}

/** Compares all orders. @throws StackError unless both sides are equal */
export async function verify({ api }: DemoContext): Promise<string> {
  const { result, orders, differences = 0 } = await conclusive(api);
  if (result !== 'equal') throw failure(`verify ended as ${result}, with ${differences} differences`);
  return `${COUNT.format(orders?.legacy ?? 0)} orders on each side are equal`;
}

/** A verification that has to wait too long for writes says nothing. */
async function conclusive(api: DemoContext['api']): Promise<MigrationRun> {
  for (let tries = 1; ; tries += 1) {
    const run = await api.run('verify');
    if (run.result !== 'open' || tries === 3) return run;
  }
}

/**
 * Removes what a wrong translation has stored on the new side. It is what a team has to do then: no order ever changes, so that
 * a copy of the right one would be rejected.
 */
export async function removeWrongOrders({ api, stack }: DemoContext): Promise<string> {
  const { id, differences = 0 } = await conclusive(api);
  const numbers = await api.differingNumbers(id);
  if (numbers.length < differences) throw failure(`verify lists ${numbers.length} of ${differences} differences`);
  const wrong = { 'legacy.number': { $in: numbers.map((number) => Long.fromNumber(number)) } };
  const { deletedCount } = await stack.mongo.db.collection('orders').deleteMany(wrong);
  return `verify found ${COUNT.format(differences)} orders missing or different; ${COUNT.format(deletedCount)} wrong ones removed`;
}
