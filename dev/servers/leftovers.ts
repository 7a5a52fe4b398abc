import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessTable } from '../machine/process-table.js';
import type { ProcessRecord, ProcessRecords } from './process-records.js';
import { timeLimit } from '#orders/time-limit.js';

/** The apps' own drain budget is 18 s. */
const DRAIN_MS = timeLimit(19_000);
const STOP_MS = timeLimit(15_000);

/**
 * Ends the processes that a killed supervisor left behind. Its apps are already draining, so it waits for them first.
 * Only then it ends the servers, which the draining apps need. The caller must hold the lock of the data folder.
 */
export async function endLeftovers(
  records: ProcessRecords,
  processes: ProcessTable,
  print: (line: string) => void,
): Promise<void> {
  const left = records.running();
  if (left.length > 0) {
    print(`ending processes of an earlier run: ${left.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ')}`);
    const apps = left.filter(({ kind }) => kind === 'app');
    const servers = left.filter(({ kind }) => kind === 'server');
    await endAll(apps, DRAIN_MS, processes);
    for (const { pid } of servers) processes.signal(pid, 'SIGTERM');
    await endAll(servers, STOP_MS, processes);
  }
  records.clear();
}

/** Waits until the processes have ended, and kills those that still run after the budget. */
async function endAll(left: readonly ProcessRecord[], budgetMs: number, processes: ProcessTable): Promise<void> {
  const runs = ({ pid, identity }: ProcessRecord): boolean => processes.identityOf(pid) === identity;
  const deadline = Date.now() + budgetMs;
  while (left.some(runs) && Date.now() < deadline) await delay(100);
  for (const record of left.filter(runs)) processes.signal(record.pid, 'SIGKILL');
  while (left.some(runs)) await delay(20);
}
