import { accessSync, constants, statSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HttpStatus } from '@nestjs/common';
import { z } from 'zod';
import { Problem } from '../http/problem.js';

/** The settings of every service that can write profiles. */
export const profileSettings = {
  PROFILE_DIR: z
    .string()
    .transform((path) => resolve(path))
    .superRefine((path, context) => {
      const reason = folderFault(path);
      if (reason !== undefined) context.addIssue({ code: 'custom', params: { reason } });
    })
    .optional()
    .meta({
      description:
        'The folder of CPU profiles and heap snapshots, which clients with the scope `ops:profile` can then request. Unset: the routes do not exist.',
      allowed: "the path of a folder that belongs to the service's user, and that no other user may write to",
    }),
};

/** The parsed `profileSettings`. */
export type ProfileSettings = z.infer<z.ZodObject<typeof profileSettings>>;

/** Write permission of the group and of others. */
const OTHERS_WRITE = 0o022;

/**
 * Returns why profiles can't be written to a folder, in words that continue "which …", or `undefined`. Another user with write access could
 * replace profiles, or put links in their place.
 */
function folderFault(path: string): string | undefined {
  try {
    const { uid, mode, isFolder } = statusOf(path);
    const user = process.getuid?.();
    if (!isFolder) return 'is no folder';
    if (uid !== user) return `belongs to the user ${uid}, not to ${user}, the user of this process`;
    if ((mode & OTHERS_WRITE) !== 0) return 'other users may write to: run `chmod go-w` on it';
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'does not exist' : `can't be written to (${code})`;
  }
}

function statusOf(path: string): { readonly uid: number; readonly mode: number; readonly isFolder: boolean } {
  const found = statSync(path);
  return { uid: found.uid, mode: found.mode, isFolder: found.isDirectory() };
}

/** A file with a profile. */
export interface StoredProfile {
  readonly path: string;
  readonly bytes: number;
}

/** The files that count for the limit: profiles, and those that a killed process has left unfinished. */
const PROFILE = /\.(?:cpuprofile|heapsnapshot)(?:\.part)?$/;
const MAX_FILES = 20;
const FULL_DISK = new Set<unknown>(['ENOSPC', 'EDQUOT']);
/** Only the user of the process may read a profile. */
const OWNER_ONLY = 0o600;

/** The folder of the setting PROFILE_DIR. It keeps at most 20 profiles, and removes none. */
export class ProfileFolder {
  constructor(private readonly path: string) {}

  /** Returns the path that a profile of this name has. */
  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** @throws Problem 507 `too-many-profiles` when the folder has 20 profiles */
  async requireRoom(): Promise<void> {
    const names = await readdir(this.path);
    if (names.filter((name) => PROFILE.test(name)).length < MAX_FILES) return;
    throw new Problem(
      HttpStatus.INSUFFICIENT_STORAGE,
      'too-many-profiles',
      `${this.path} has ${MAX_FILES} profiles, which is the limit. Move or remove some, and repeat the request.`,
    );
  }

  /**
   * Writes a profile to a new file, which only its owner may read. Until it is complete its name ends in `.part`; a failed one is removed.
   * @param maxBytes the largest size of the file
   * @throws Problem 507 `profile-too-large` or `disk-full`
   */
  async write(
    name: string,
    chunks: Iterable<string> | AsyncIterable<string | Buffer>,
    maxBytes: number,
  ): Promise<StoredProfile> {
    const path = this.pathOf(name);
    const part = `${path}.part`;
    // `wx` fails if the name exists: it follows no link, and overwrites nothing.
    const file = await open(part, 'wx', OWNER_ONLY);
    try {
      await file.writeFile(limited(chunks, maxBytes));
      const { size: bytes } = await file.stat();
      await rename(part, path);
      return { path, bytes };
    } catch (error) {
      await rm(part, { force: true });
      throw FULL_DISK.has((error as NodeJS.ErrnoException).code) ? fullDisk(this.path) : error;
    } finally {
      await file.close();
    }
  }
}

/** Passes the chunks on. @throws Problem 507 before the chunk with which they have more bytes */
async function* limited(
  chunks: Iterable<string> | AsyncIterable<string | Buffer>,
  maxBytes: number,
): AsyncGenerator<string | Buffer> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += Buffer.byteLength(chunk);
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    yield chunk;
  }
}

function tooLarge(maxBytes: number): Problem {
  const limit = maxBytes.toLocaleString('en-US');
  return new Problem(
    HttpStatus.INSUFFICIENT_STORAGE,
    'profile-too-large',
    `The profile has more than ${limit} bytes, and was removed. Request a CPU profile of fewer seconds.`,
  );
}

function fullDisk(folder: string): Problem {
  const detail = `The disk of ${folder} is full, and the profile was removed. Free some space, and repeat the request.`;
  return new Problem(HttpStatus.INSUFFICIENT_STORAGE, 'disk-full', detail);
}
