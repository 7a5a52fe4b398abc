import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheDirectory } from '../../dev/parts/parts.js';
import { explain } from '../../dev/stack-error.js';
import { PrivateEngine } from './private-engine.js';

/** Runs named checks one after the other, prints the result of each, and counts them. */
export class Checklist {
  passed = 0;
  failed = 0;

  /** Returns the result of the check; rethrows its error, since most later checks depend on it. */
  check = async <T>(name: string, run: () => T | Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1);
    try {
      const result = await run();
      this.passed += 1;
      console.log(`ok      ${name} (${seconds()} s)`);
      return result;
    } catch (error) {
      this.failed += 1;
      console.log(`FAILED  ${name} (${seconds()} s): ${explain(error)}`);
      throw error;
    }
  };
}

export type Check = Checklist['check'];

/**
 * Runs a program of checks. Prints `N passed, N failed` at its end, and exits with 0 only if all checks passed.
 * @param run gets a signal that aborts on SIGINT, SIGTERM and SIGHUP
 */
export async function runChecks(run: (check: Check, interrupted: AbortSignal) => Promise<void>): Promise<void> {
  // Debian installs dockerd in sbin, which isn't on the PATH of a non-login shell.
  process.env['PATH'] = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => interrupted.abort(new Error(`Ended by ${name}; cleaning up.`)));
  const checklist = new Checklist();
  try {
    await run(checklist.check, interrupted.signal);
  } catch (error) {
    // The error of a check has been printed.
    if (checklist.failed === 0) console.log(explain(error));
    process.exitCode = 1;
  }
  const { passed, failed } = checklist;
  if (passed + failed > 0) console.log(`${passed} passed, ${failed} failed`);
  // What a failed check has left running must not keep the process.
  process.exit();
}

/**
 * Starts a private engine, and removes it afterwards with all that runs in it. The caller must hold the lock of the cache.
 * @param use gets a folder that is removed too
 */
export async function withEngine(
  check: Check,
  signal: AbortSignal,
  use: (engine: PrivateEngine, directory: string) => Promise<void>,
): Promise<void> {
  const directory = join(cacheDirectory(process.env), 'engine');
  const engine = new PrivateEngine(directory, signal);
  // Of a killed run.
  await engine.remove();
  const before = engineInterfaces();
  try {
    await check('a private Docker engine starts', () => engine.start());
    await use(engine, directory);
  } finally {
    await check('the engine ends, and its folder is removed', async () => {
      await engine.remove();
      const left = engineInterfaces().filter((name) => !before.includes(name));
      assert.deepEqual(left, []);
    });
  }
}

/** Returns the network interfaces (bridges and veth ends) that an engine creates on the machine itself. */
function engineInterfaces(): string[] {
  return readdirSync('/sys/class/net').filter((name) => /^(br-[0-9a-f]{12}|veth[0-9a-f]{7})$/.test(name));
}
