import type { CpuInfo } from 'node:os';

/** Measures the CPU load of the machine, caused by all its processes. */
export class MachineLoad {
  private before: { readonly busy: number; readonly all: number };

  constructor(private readonly cpus: () => readonly Pick<CpuInfo, 'times'>[]) {
    this.before = this.spent();
  }

  /** Returns the load since the previous call, over all cores: 0 to 1. */
  sinceBefore(): number {
    const now = this.spent();
    const [busy, all] = [now.busy - this.before.busy, now.all - this.before.all];
    this.before = now;
    return all > 0 ? Math.min(1, Math.max(0, busy / all)) : 0;
  }

  private spent(): { busy: number; all: number } {
    const spent = { busy: 0, all: 0 };
    for (const { times } of this.cpus()) {
      const { idle, ...busy } = times;
      const working = Object.values(busy).reduce((sum, milliseconds) => sum + milliseconds, 0);
      spent.busy += working;
      spent.all += working + idle;
    }
    return spent;
  }
}
