import { renameSync, writeFileSync } from 'node:fs';

/**
 * Tells Prometheus where the apps' metrics are, consumers on whatever port they took: a file in the form of `file_sd_configs`, which
 * Prometheus reads anew as soon as it changes. Who has crashed stays in it, so that it is missed; who has drained doesn't.
 */
export class ScrapeTargets {
  private readonly targets = new Map<string, { readonly targets: string[]; readonly labels: Record<string, string> }>();

  /** @param path of the file, which is emptied: what a killed stack left in it is no longer there */
  constructor(
    private readonly path: string,
    private readonly print: (line: string) => void,
  ) {
    this.write();
  }

  /** @param name as shown to people, such as `consumer-1`: its figures go on under it when it comes back on another port */
  add(job: string, name: string, url: string): void {
    this.targets.set(name, { targets: [new URL(url).host], labels: { job, instance: name } });
    this.write();
  }

  remove(name: string): void {
    if (this.targets.delete(name)) this.write();
  }

  /** Whole at every moment. A stack runs as well without it. */
  private write(): void {
    try {
      writeFileSync(`${this.path}.new`, `${JSON.stringify([...this.targets.values()], null, 2)}\n`);
      renameSync(`${this.path}.new`, this.path);
    } catch (error) {
      this.print(`${this.path} is not up to date: ${String(error)}`);
    }
  }
}
