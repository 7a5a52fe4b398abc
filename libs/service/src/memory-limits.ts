import { Gauge, type Registry } from 'prom-client';

const MIB = 1_024 * 1_024;

/** What a process can learn of its own bounds. */
export interface Bounds {
  /** Node's own flags. */
  readonly execArgv: readonly string[];
  /** As `process.constrainedMemory()`, bytes. */
  readonly constrainedBytes: number;
  /** As `os.totalmem()`, bytes. */
  readonly machineBytes: number;
}

/** Tells how much memory there may be, which prom-client's own metrics leave out. What isn't known has no sample. */
export function exposeMemoryLimits({ execArgv, constrainedBytes, machineBytes }: Bounds, registry: Registry): void {
  const oldSpaceMiB = Number(/^--max-old-space-size=(\d+)$/m.exec(execArgv.join('\n'))?.[1] ?? 0);
  if (oldSpaceMiB > 0)
    new Gauge({
      name: 'nodejs_old_space_limit_bytes',
      help: 'V8 ends the process when what lasts in its heap, all spaces but the new one, needs more',
      registers: [registry],
    }).set(oldSpaceMiB * MIB);
  // Without a limit: 0, or more than the machine has.
  if (constrainedBytes > 0 && constrainedBytes <= machineBytes)
    new Gauge({
      name: 'process_memory_limit_bytes',
      help: 'The system ends the process, or its container, when that needs more memory',
      registers: [registry],
    }).set(constrainedBytes);
}
