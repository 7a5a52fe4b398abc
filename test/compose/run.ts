/**
 * Runs docker-compose.yml with a real engine: `npm run test:compose`, as root, on Debian. Provides an engine and Compose, builds
 * the apps' image and stand-ins for the public images, runs the scenario, and leaves only the cache.
 * Prints `N passed, N failed` at the end, and exits with 0 only if all checks passed.
 */
import { readdirSync } from 'node:fs';
import { delimiter } from 'node:path';
import { provideCachedParts } from './cached-parts.js';
import { Checklist, describeFailure } from './checklist.js';
import { linkComposePlugin } from './compose-plugin.js';
import { ComposeProject, choosePorts } from './compose-project.js';
import { ComposeTestError, expect } from './compose-test-error.js';
import { provideDebianPackages } from './debian-packages.js';
import { debianArchive } from './debian-base.js';
import type { DockerClient } from './docker-client.js';
import { startPrivateEngine } from './private-engine.js';
import { removeRun } from './remove-run.js';
import { RunDirectory } from './run-directory.js';
import { Scenario } from './scenario.js';
import { createStandInContexts } from './stand-in-contexts.js';

const ALL_WITHIN_MS = 15 * 60_000;
const LOG_LINES = 30;

const print = (line: string): void => console.log(line);
const checklist = new Checklist(print);

/** Returns a signal that aborts on SIGINT, SIGTERM or SIGHUP, or after 15 minutes. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => interrupted.abort(new ComposeTestError('not-in-time', `Ended by ${name}; cleaning up.`)));
  }
  return AbortSignal.any([interrupted.signal, AbortSignal.timeout(ALL_WITHIN_MS)]);
}

async function hasCompose(docker: DockerClient, signal: AbortSignal): Promise<boolean> {
  try {
    await docker.run(['compose', 'version'], { signal });
    return true;
  } catch (error) {
    if (error instanceof ComposeTestError && error.code === 'command-failed') return false;
    throw error;
  }
}

/** Prepares what a user with Docker and the images would have already. */
async function prepare(
  directory: RunDirectory,
  signal: AbortSignal,
): Promise<{ docker: DockerClient; project: ComposeProject }> {
  const docker = await checklist.check('a private Docker engine starts', async () => {
    await provideDebianPackages(print, signal);
    return startPrivateEngine(directory, signal);
  });
  const contexts = directory.file('contexts');
  const parts = await checklist.check('Compose and the parts of the stand-ins are available', async () => {
    const needsCompose = !(await hasCompose(docker, signal));
    const provided = await provideCachedParts({ needsCompose, workDirectory: directory.file('debian'), print, signal });
    if (provided.composePlugin !== undefined) await linkComposePlugin(provided.composePlugin, directory.file('config'));
    await createStandInContexts(contexts, provided);
    return provided;
  });
  const project = new ComposeProject(docker, signal, contexts, await choosePorts());
  await checklist.check('the images build', async () => {
    await docker.run(['import', debianArchive(parts.debian), 'orders-stand-in/debian:bookworm'], { signal });
    await project.build('node-stand-in');
    await project.build();
  });
  return { docker, project };
}

async function expectNothingLeft(docker: DockerClient, signal: AbortSignal): Promise<void> {
  const left = await Promise.all([
    docker.run(['ps', '--all', '--quiet'], { signal }),
    docker.run(['network', 'ls', '--quiet', '--filter', 'type=custom'], { signal }),
    docker.run(['volume', 'ls', '--quiet'], { signal }),
  ]);
  expect(
    left.every((list) => list === ''),
    `no container, network or volume is left: ${left.join(' ')}`,
  );
}

async function runScenario(directory: RunDirectory, signal: AbortSignal): Promise<void> {
  const { docker, project } = await prepare(directory, signal);
  try {
    await new Scenario(project, checklist, signal).run();
    await checklist.check('no container, network or volume is left', () => expectNothingLeft(docker, signal));
  } catch (error) {
    if (!signal.aborted) print(await project.logs(LOG_LINES));
    throw error;
  }
}

/** Returns the network interfaces (bridges and veth ends) that an engine creates on the machine itself. */
function engineInterfaces(): string[] {
  return readdirSync('/sys/class/net').filter((name) => /^(br-[0-9a-f]{12}|veth[0-9a-f]{7})$/.test(name));
}

async function main(): Promise<void> {
  const signal = interruption();
  // Debian installs dockerd and debootstrap in sbin, which isn't on the PATH of a non-login shell.
  process.env['PATH'] = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
  for (const abandoned of await RunDirectory.abandoned()) {
    print(`removing ${abandoned.path}, which a killed run left`);
    await removeRun(abandoned);
  }
  const interfacesBefore = engineInterfaces();
  const directory = await RunDirectory.create();
  try {
    await runScenario(directory, signal);
  } catch {
    // The failed check has been counted and printed. Everything that was started must be cleaned up all the same.
    print('cleaning up after the failure');
  }
  await checklist.check('the engine ends and its folder is removed', async () => {
    await removeRun(directory);
    const left = engineInterfaces().filter((name) => !interfacesBefore.includes(name));
    expect(left.length === 0, `no network interface is left: ${left.join(' ')}`);
  });
}

try {
  await main();
} catch (error) {
  print(describeFailure(error));
  process.exitCode = 1;
}
if (!checklist.allPassed) process.exitCode = 1;
print(checklist.summary);
