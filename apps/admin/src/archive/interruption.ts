import { ArchiveError } from '#orders/archive/archive-manifest.js';

/** Returns a signal that aborts on the first SIGINT or SIGTERM. A second one ends the process. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const interrupt = (): void =>
    controller.abort(new ArchiveError('archive-interrupted', 'Interrupted: run the command again to continue.'));
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, interrupt);
  return controller.signal;
}
