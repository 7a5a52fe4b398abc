import { aptInstall, isOnPath } from '../support/debian-apt.js';
import { ComposeTestError } from './compose-test-error.js';

/** Commands that the run needs, and the Debian package that has each. */
const PACKAGE_OF = { dockerd: 'docker.io', docker: 'docker.io', debootstrap: 'debootstrap' } as const;

/**
 * Makes sure that dockerd, docker and debootstrap are there, by apt where they aren't. What is installed already, such as
 * a docker command of the machine's own, is left alone. Throws `not-root`, `not-debian`, `unsupported-platform`, `fetch-failed`.
 */
export async function provideDebianPackages(print: (line: string) => void, signal: AbortSignal): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new ComposeTestError(
      'unsupported-platform',
      'The stand-in images are made of programs for Linux on x64 only.',
    );
  }
  if (process.getuid?.() !== 0) {
    throw new ComposeTestError(
      'not-root',
      'A Docker engine of its own needs root: run it with sudo, or as root in CI.',
    );
  }
  const missing = Object.entries(PACKAGE_OF).filter(([command]) => !isOnPath(command));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  if (!isOnPath('apt-get')) {
    const commands = missing.map(([command]) => command).join(', ');
    throw new ComposeTestError(
      'not-debian',
      `No ${commands} on the PATH, and no apt-get to install them with: install them.`,
    );
  }
  print(`installing ${packages.join(' and ')} with apt`);
  await aptInstall(packages, signal);
}
