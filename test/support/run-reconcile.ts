import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { ReconcileReport } from '#reconcile/report.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { RunningStack } from './running-stack.js';

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `npm run reconcile`, without npm. */
export async function runReconcile(stack: RunningStack, ...args: string[]): Promise<Run> {
  const script = join(PROJECT_DIRECTORY, 'dist/apps/reconcile/src/main.js');
  const env = { ...process.env, ...stack.given, MONGODB_URI: stack.mongodbUri, KAFKA_BROKERS: stack.brokers };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? 1);
      resolve({ code, stdout, stderr });
    });
  });
}

/** Runs reconcile and parses its JSON report. */
export async function reconciled(
  stack: RunningStack,
  id: string,
): Promise<ReconcileReport & { readonly code: number }> {
  const { code, stdout, stderr } = await runReconcile(stack, id, '--json');
  if (stdout === '') throw new Error(`reconcile ended with ${code}: ${stderr}`);
  return { ...(JSON.parse(stdout) as ReconcileReport), code };
}
