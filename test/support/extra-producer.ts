import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { producerDefinition } from '../../dev/supervisor/app-definitions.js';
import type { App } from '../../dev/supervisor/apps.js';
import { allEnded } from './running-stack.js';
import type { TestSystem } from './test-system.js';

const SHIFTED_CLOCK = pathToFileURL(join(PROJECT_DIRECTORY, 'test/chaos/cluster/shifted-clock.ts')).href;

/** One more producer of a system, whose wall clock can be wrong. */
export class ExtraProducer {
  private constructor(
    private readonly system: TestSystem,
    private readonly app: App,
    private readonly clockFile: string,
  ) {}

  /** Resolves when it is ready. @param clockShiftMs the error of its wall clock, in ms */
  static async start(system: TestSystem, clockShiftMs = 0): Promise<ExtraProducer> {
    const { apps, context, dataDirectory } = system;
    const n = apps.all.filter(({ job }) => job === 'producer').length + 1;
    const clockFile = join(dataDirectory, `producer-${n}.clock`);
    await writeFile(clockFile, String(clockShiftMs));
    const clock = { NODE_OPTIONS: `--import ${SHIFTED_CLOCK}`, CLOCK_SHIFT_FILE: clockFile };
    const app = apps.make(producerDefinition({ ...context, env: { ...context.env, ...clock } }, n));
    await app.start();
    return new ExtraProducer(system, app, clockFile);
  }

  get url(): string {
    return this.app.url ?? '';
  }

  /** Suspends the process until it is killed. */
  pause(): void {
    this.system.apps.pause(this.app.name);
  }

  /** Sets its wall clock while it runs. @param byMs the error, in ms */
  async setClock(byMs: number): Promise<void> {
    await writeFile(this.clockFile, String(byMs));
  }

  /** Kills it for good. Resolves when the process has ended. */
  async kill(): Promise<void> {
    const process = this.system.processes().filter(({ name }) => name === this.app.name);
    this.app.kill();
    await allEnded(process);
  }
}
