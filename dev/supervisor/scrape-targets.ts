import { renameSync, writeFileSync } from 'node:fs';

/**
 * Writes the addresses of the apps' metrics for Prometheus, including the random ports of consumers: a file in the format of
 * `file_sd_configs`, which Prometheus reloads on each change. A crashed app stays in it, so that its absence is noticed; a drained
 * app is removed.
 */
export class ScrapeTargets {
  private readonly targets = new Map<string, { readonly targets: string[]; readonly labels: Record<string, string> }>();

  /** @param path the file; it is emptied, because targets of a killed stack don't exist any more */
  constructor(
    private readonly path: string,
    private readonly print: (line: string) => void,
  ) {
    this.write();
  }

  /** @param name the displayed name, such as `consumer-1`: its time series continue under it when it restarts on another port */
  add(job: string, name: string, url: string): void {
    this.targets.set(name, { targets: [new URL(url).host], labels: { job, instance: name } });
    this.write();
  }

  remove(name: string): void {
    if (this.targets.delete(name)) this.write();
  }

  /** Replaces the file atomically. The stack also runs without it. */
  private write(): void {
    try {
      writeFileSync(`${this.path}.new`, `${JSON.stringify([...this.targets.values()], null, 2)}\n`);
      renameSync(`${this.path}.new`, this.path);
    } catch (error) {
      this.print(`${this.path} is not up to date: ${String(error)}`);
    }
  }
}
