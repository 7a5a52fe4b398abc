import type { CommandContext } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import type { Operation } from '#api/producer.js';
import { followOperation } from '../producer/operation-events.js';
import { operationText } from '../terminal/operation-text.js';
import { Progress } from '../terminal/progress.js';

/**
 * Watches an operation until it no longer changes. It prints progress on standard error and the final operation on standard output.
 * Ctrl-C stops watching, but not the operation.
 * @returns 0 if the operation succeeded and saved something or had nothing to send, 3 if it was cancelled, 130 after Ctrl-C, else 1
 */
export async function follow(context: CommandContext, id: string, { json }: { json?: true }): Promise<ExitCode> {
  const { client, clock, terminal } = context;
  const interrupted = new AbortController();
  context.onInterrupt(() => interrupted.abort());
  const progress = new Progress(terminal.err, clock);
  let last: Operation | undefined;
  try {
    for await (const followed of followOperation(client, id, interrupted.signal)) {
      if (followed.kind === 'cut') {
        progress.lost(followed.reason);
        continue;
      }
      last = followed.operation;
      progress.update(followed.operation);
    }
  } finally {
    progress.end();
  }
  if (interrupted.signal.aborted) {
    terminal.err.write(
      `Stopped watching; the operation continues. Watch it again: npm run orders -- watch ${id}\n` +
        `Cancel it: npm run orders -- cancel ${id}\n`,
    );
    return EXIT_CODE.interrupted;
  }
  if (last === undefined) return EXIT_CODE.failed;
  terminal.out.write(`${json ? JSON.stringify(last) : operationText(last)}\n`);
  return exitCodeOf(last);
}

function exitCodeOf({ status, state }: Operation): ExitCode {
  if (status === 'succeeded' && state.code !== 'noneSaved') return EXIT_CODE.ok;
  return status === 'cancelled' ? EXIT_CODE.cancelled : EXIT_CODE.failed;
}
