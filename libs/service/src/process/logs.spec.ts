import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';

const LOGS = new URL('./logs.ts', import.meta.url).href;
/** The second line waits for the first, which is written asynchronously. */
const LOG_AND_EXIT = `
  const { createLogger } = await import(${JSON.stringify(LOGS)});
  const logger = createLogger('a-service', 'info');
  logger.info('first line');
  logger.info('last line');
  process.exit(0);`;

describe('process that logs and exits immediately', () => {
  let child: ChildProcess | undefined;

  afterEach(() => {
    child?.kill('SIGKILL');
  });

  function started(): ChildProcess & { readonly stdout: NodeJS.ReadableStream & { destroy(): void } } {
    const args = ['--input-type=module', '--eval', LOG_AND_EXIT];
    const begun = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    child = begun;
    return begun;
  }

  it('writes its last line', async () => {
    const { stdout } = started();
    let text = '';
    for await (const chunk of stdout) text += chunk.toString();
    expect(text).toContain('last line');
  });

  // Such as when the supervisor was killed, or after `| head` has exited.
  it('exits although the reader has closed the pipe', async () => {
    const ending = started();
    const ended = once(ending, 'exit');
    ending.stdout.destroy();
    expect(await ended).toEqual([0, null]);
  });
});
