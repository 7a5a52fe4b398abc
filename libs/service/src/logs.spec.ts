import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';

const LOGS = new URL('./logs.ts', import.meta.url).href;
/** The second waits for the first, which is written beside all else. */
const LAST_WORDS = `
  const { createLogger } = await import(${JSON.stringify(LOGS)});
  const logger = createLogger('a-service', 'info');
  logger.info('what is being written');
  logger.info('the last word');
  process.exit(0);`;

describe('a process that logs and ends at once', () => {
  let child: ChildProcess | undefined;

  afterEach(() => {
    child?.kill('SIGKILL');
  });

  function started(): ChildProcess & { readonly stdout: NodeJS.ReadableStream & { destroy(): void } } {
    const args = ['--input-type=module', '--eval', LAST_WORDS];
    const begun = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    child = begun;
    return begun;
  }

  it('has its last word read', async () => {
    const { stdout } = started();
    let text = '';
    for await (const chunk of stdout) text += chunk.toString();
    expect(text).toContain('the last word');
  });

  // As when the supervisor was killed, or `| head` has seen enough.
  it('ends though whoever read it is gone, and does not try to have it read for ever', async () => {
    const ending = started();
    const ended = once(ending, 'exit');
    ending.stdout.destroy();
    expect(await ended).toEqual([0, null]);
  });
});
