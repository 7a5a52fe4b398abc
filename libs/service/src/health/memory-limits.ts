import { Gauge, type Registry } from 'prom-client';

const MIB = 1_024 * 1_024;

/** The memory limits that a process can read. */
export interface Bounds {
  /** Node's own flags. */
  readonly execArgv: readonly string[];
  /** The value of `process.constrainedMemory()`, in bytes. */
  readonly constrainedBytes: number;
  /** The value of `os.totalmem()`, in bytes. */
  readonly machineBytes: number;
}

/** Exposes the memory limits, which prom-client's default metrics lack. An unknown limit has no sample. */
export function exposeMemoryLimits({ execArgv, constrainedBytes, machineBytes }: Bounds, registry: Registry): void {
  const oldSpaceMiB = Number(/^--max-old-space-size=(\d+)$/m.exec(execArgv.join('\n'))?.[1] ?? 0);
  if (oldSpaceMiB > 0)
    new Gauge({
      name: 'nodejs_old_space_limit_bytes',
      help: 'V8 ends the process when the old generation, all heap spaces except the new space, exceeds this',
      registers: [registry],
    }).set(oldSpaceMiB * MIB);
  // Without a limit the value is 0, or more than the memory of the machine.
  if (constrainedBytes > 0 && constrainedBytes <= machineBytes)
    new Gauge({
      name: 'process_memory_limit_bytes',
      help: 'The system ends the process, or its container, when it exceeds this',
      registers: [registry],
    }).set(constrainedBytes);
}
