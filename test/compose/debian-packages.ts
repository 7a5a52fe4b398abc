import { aptInstall, isOnPath } from '../support/debian-apt.js';
import { ComposeTestError } from './compose-test-error.js';

/** The commands that the run needs, with the Debian package of each. */
const PACKAGE_OF = { dockerd: 'docker.io', docker: 'docker.io', debootstrap: 'debootstrap' } as const;

/**
 * Ensures that dockerd, docker and debootstrap are installed, with apt if necessary. Keeps installed commands, such as the
 * machine's own docker.
 * @throws ComposeTestError `not-root`, `not-debian` or `unsupported-platform`, StackError `fetch-failed`
 */
export async function provideDebianPackages(print: (line: string) => void, signal: AbortSignal): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new ComposeTestError(
      'unsupported-platform',
      'The stand-in images need Linux on x64, like the programs in them.',
    );
  }
  if (process.getuid?.() !== 0) {
    throw new ComposeTestError('not-root', 'A private Docker engine needs root: run it with sudo, or as root in CI.');
  }
  const missing = Object.entries(PACKAGE_OF).filter(([command]) => !isOnPath(command));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  if (!isOnPath('apt-get')) {
    const commands = missing.map(([command]) => command).join(', ');
    throw new ComposeTestError(
      'not-debian',
      `Missing on the PATH: ${commands}. There is no apt-get to install them; install them manually.`,
    );
  }
  print(`installing ${packages.join(' and ')} with apt`);
  await aptInstall(packages, signal);
}
