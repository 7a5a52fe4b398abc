import { spawn } from 'node:child_process';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { ComposeTestError } from './compose-test-error.js';
import { DockerClient } from './docker-client.js';
import type { RunDirectory } from './run-directory.js';
import { until } from './until.js';

const READY_WITHIN_MS = 60_000;
const LAST_LINES = 15;

/** Returns the client of a run's engine, whether it runs or not. */
export function createDockerClient(directory: RunDirectory): DockerClient {
  return new DockerClient(directory.file('docker.sock'), directory.file('config'));
}

/**
 * Starts a Docker engine that shares nothing with the machine's own. Its data, sockets and pid file are in the run's folder, and
 * it has no default bridge. It changes neither firewall rules nor kernel settings: two engines would overwrite each other's
 * changes, and nothing would revert them. So its containers reach each other, and the machine reaches published ports through
 * the engine's own forwarder. They don't reach the internet, which isn't needed here. `removeRun` ends the engine.
 * @throws ComposeTestError `engine-failed`, with the last lines of its log
 */
export async function startPrivateEngine(directory: RunDirectory, signal: AbortSignal): Promise<DockerClient> {
  await mkdir(directory.file('config'), { recursive: true });
  await writeFile(configFileOf(directory), '{}');
  const logFile = directory.file('dockerd.log');
  const log = await open(logFile, 'a');
  // A separate process group: otherwise Ctrl-C would end the engine before the containers have been removed through it.
  const child = spawn('dockerd', flagsOf(directory), { detached: true, stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  const end = Promise.withResolvers<never>();
  child.once('error', end.reject);
  child.once('exit', (code) => end.reject(new Error(`dockerd ended with ${code}`)));
  child.unref();
  const docker = createDockerClient(directory);
  const ready = until('The engine is ready', READY_WITHIN_MS, signal, () => docker.run(['version'], { signal }));
  try {
    await Promise.race([ready, end.promise]);
    return docker;
  } catch (error) {
    signal.throwIfAborted();
    const lines = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-LAST_LINES).join('\n');
    const reason = error instanceof Error ? error.message : String(error);
    throw new ComposeTestError('engine-failed', `dockerd did not start (${reason}). Its log:\n${lines}`, {
      cause: error,
    });
  } finally {
    // Prevents unhandled rejections: of the loser of the race, and of an engine that ends later, during the clean-up.
    for (const loser of [ready, end.promise]) loser.catch(() => undefined);
  }
}

/** Returns an empty configuration file, so that the engine doesn't read the machine's own in /etc/docker. */
function configFileOf(directory: RunDirectory): string {
  return directory.file('daemon.json');
}

function flagsOf(directory: RunDirectory): string[] {
  return [
    `--config-file=${configFileOf(directory)}`,
    `--data-root=${directory.file('data')}`,
    `--exec-root=${directory.file('exec')}`,
    `--host=unix://${directory.file('docker.sock')}`,
    `--pidfile=${directory.file('docker.pid')}`,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
  ];
}
