import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessTable } from '../machine/process-table.js';
import type { ProcessRecord, ProcessRecords } from './process-records.js';

/** The apps give themselves 18 s. */
const DRAIN_MS = 19_000;
const STOP_MS = 15_000;

/**
 * Ends what a killed supervisor left behind. Its apps are draining by themselves by now, so they are given the time to;
 * only then the servers, which the apps need for that. Call it with the data folder locked.
 */
export async function endLeftovers(
  records: ProcessRecords,
  processes: ProcessTable,
  print: (line: string) => void,
): Promise<void> {
  const left = records.running();
  if (left.length > 0) {
    print(`ending what an earlier run left: ${left.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ')}`);
    const apps = left.filter(({ kind }) => kind === 'app');
    const servers = left.filter(({ kind }) => kind === 'server');
    await endAll(apps, DRAIN_MS, processes);
    for (const { pid } of servers) processes.signal(pid, 'SIGTERM');
    await endAll(servers, STOP_MS, processes);
  }
  records.clear();
}

/** Waits for the processes to end and kills those that haven't by then. */
async function endAll(left: readonly ProcessRecord[], budgetMs: number, processes: ProcessTable): Promise<void> {
  const runs = ({ pid, identity }: ProcessRecord): boolean => processes.identityOf(pid) === identity;
  const deadline = Date.now() + budgetMs;
  while (left.some(runs) && Date.now() < deadline) await delay(100);
  for (const record of left.filter(runs)) processes.signal(record.pid, 'SIGKILL');
  while (left.some(runs)) await delay(20);
}
