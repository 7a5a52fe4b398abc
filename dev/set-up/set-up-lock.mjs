import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from './project.mjs';

// Not inside node_modules, which an installation deletes.
const FOLDER = join(PROJECT, '.cache');
const LOCK = join(FOLDER, 'set-up.lock');
const CHECK_MS = 300;
/** A lock without a pid is stale after this time: its process may have crashed between creating the lock and writing the pid. */
const UNSIGNED_MS = 5_000;

/**
 * Runs `work` while no other set-up of this clone runs. Otherwise `npm start` and `npm test` would delete each other's packages.
 * Takes over the lock of a set-up that was killed.
 */
export async function withSetUpLock(work) {
  mkdirSync(FOLDER, { recursive: true });
  for (let reported = false; !tryLock();) {
    if (isStale()) {
      rmSync(LOCK, { recursive: true, force: true });
      continue;
    }
    if (!reported) console.log('waiting for another set-up of this project to end');
    reported = true;
    await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
  }
  try {
    await work();
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

function tryLock() {
  try {
    mkdirSync(LOCK);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  writeFileSync(join(LOCK, 'pid'), String(process.pid));
  return true;
}

function isStale() {
  try {
    const pid = Number(readFileSync(join(LOCK, 'pid'), 'utf8'));
    return pid > 0 && !isRunning(pid);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    return ageOfLock() > UNSIGNED_MS;
  }
}

function ageOfLock() {
  const made = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs;
  return made === undefined ? 0 : Date.now() - made;
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return error.code === 'EPERM';
  }
}
