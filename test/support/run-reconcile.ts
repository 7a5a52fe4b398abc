import type { ReconcileReport } from '#reconcile/report.js';
import { runApp, type Run } from './run-app.js';
import { IS_SECURED } from './secured-mode.js';
import type { TestedStack } from './tested-stack.js';

/** Reads a document so that it can be put back as it was: the driver makes a number of each Long, and would write an Int32. */
export const EXACT_TYPES = { promoteValues: false };

/** Runs `npm run reconcile`, without npm. */
export async function runReconcile(stack: TestedStack, ...args: string[]): Promise<Run> {
  const open = { ...stack.given, MONGODB_URI: stack.mongodbUri, KAFKA_BROKERS: stack.brokers };
  const env = { ...process.env, ...(IS_SECURED ? stack.credentials.settings('reconcile') : open) };
  return runApp('admin', env, 'reconcile', ...args);
}

/** Runs reconcile and parses its JSON report. */
export async function reconciled(stack: TestedStack, id: string): Promise<ReconcileReport & { readonly code: number }> {
  const { code, stdout, stderr } = await runReconcile(stack, id, '--json');
  if (stdout === '') throw new Error(`reconcile ended with ${code}: ${stderr}`);
  return { ...(JSON.parse(stdout) as ReconcileReport), code };
}
