import { Session } from 'node:inspector/promises';
import { hostname } from 'node:os';
import type { Readable } from 'node:stream';
import { getHeapSnapshot } from 'node:v8';
import { HttpStatus, Logger } from '@nestjs/common';
import { succeededWithin, type Clock } from '@orders-pipeline/clock';
import { Problem } from '../http/problem.js';
import type { ProfileFolder, StoredProfile } from './profile-folder.js';

export interface ProfilesParts {
  /** The service, for the names of the files. */
  readonly service: string;
  readonly folder: ProfileFolder;
  readonly clock: Clock;
  /** The largest CPU profile, in bytes. Default: 64 MiB. */
  readonly maxCpuProfileBytes?: number;
  /** Default: V8's. Unit specs have another one: in Jest, which loads and drops thousands of scripts, V8's can end the process. */
  readonly profiler?: Profiler;
}

/** Looks into this process. */
export interface Profiler {
  /** Takes samples of the main thread until `ended` resolves. @returns a profile in the format `.cpuprofile` */
  recordCpu(ended: Promise<unknown>): Promise<object>;
  /** Reads a heap snapshot, in the format `.heapsnapshot`. It stops the process meanwhile. */
  readHeap(): Readable;
}

const MIB = 1_024 * 1_024;
const MAX_CPU_PROFILE_BYTES = 64 * MIB;
/** Several times the largest heap of a service. A snapshot has about the size of the heap. */
const MAX_HEAP_SNAPSHOT_BYTES = 2_048 * MIB;
/** V8's default: at most 60,000 samples in 60 s, on which the size of a profile depends. */
const SAMPLING_INTERVAL_MICROSECONDS = 1_000;

const V8: Profiler = {
  recordCpu: async (ended) => {
    const session = new Session();
    session.connect();
    try {
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_MICROSECONDS });
      await session.post('Profiler.start');
      await ended;
      return (await session.post('Profiler.stop')).profile;
    } finally {
      session.disconnect();
    }
  },
  readHeap: getHeapSnapshot,
};

/**
 * Takes CPU profiles and heap snapshots of this process, of its main thread. It opens no port for a debugger.
 * A heap snapshot stops the process for seconds and needs as much memory as the heap once more, so it is written only after the drain.
 */
export class Profiles {
  private readonly log = new Logger(Profiles.name);
  private readonly draining = Promise.withResolvers<void>();
  private isDraining = false;
  private isRunning = false;
  /** The name of the requested heap snapshot. */
  private requested: string | undefined;

  constructor(private readonly parts: ProfilesParts) {}

  /**
   * Takes a CPU profile, which ends early when the process begins to drain.
   * @throws Problem 409 `profile-running` while another one is taken, 503 `draining`, 507 `too-many-profiles`, `profile-too-large`, or
   *   `disk-full`
   */
  async takeCpuProfile(seconds: number): Promise<StoredProfile> {
    this.refuseWhileDraining();
    if (this.isRunning)
      throw new Problem(
        HttpStatus.CONFLICT,
        'profile-running',
        'A CPU profile of this process is being taken. Repeat the request when it has ended, at the latest in a minute.',
      );
    this.isRunning = true;
    try {
      const { folder, maxCpuProfileBytes = MAX_CPU_PROFILE_BYTES } = this.parts;
      await folder.requireRoom();
      const ended = succeededWithin(this.parts.clock, 1_000 * seconds, this.draining.promise);
      const profile = await this.profiler.recordCpu(ended);
      return await folder.write(this.nameOf('cpuprofile'), [JSON.stringify(profile)], maxCpuProfileBytes);
    } finally {
      this.isRunning = false;
    }
  }

  /**
   * Requests one heap snapshot, for when the process has drained. A repeated request changes nothing.
   * @returns the path that it will have
   * @throws Problem 503 `draining`, or 507 `too-many-profiles`
   */
  async requestHeapSnapshot(): Promise<string> {
    this.refuseWhileDraining();
    if (this.requested === undefined) {
      await this.parts.folder.requireRoom();
      this.requested ??= this.nameOf('heapsnapshot');
    }
    return this.parts.folder.pathOf(this.requested);
  }

  /** Ends a running CPU profile, whose request then gets its response, and refuses others. */
  beginDrain(): void {
    this.isDraining = true;
    this.draining.resolve();
  }

  /**
   * Writes the heap snapshot, if one was requested. Call it when the process has drained: nothing else runs meanwhile. A failure is only
   * logged, since everything else has ended well.
   */
  async writeRequestedSnapshot(): Promise<void> {
    if (this.requested === undefined) return;
    const { folder } = this.parts;
    this.log.log({ path: folder.pathOf(this.requested) }, 'writing the heap snapshot');
    try {
      this.log.log({ ...(await this.writeSnapshot(this.requested)) }, 'heap snapshot written');
    } catch (error) {
      this.log.error({ reason: String(error) }, 'the heap snapshot failed');
    }
  }

  private get profiler(): Profiler {
    return this.parts.profiler ?? V8;
  }

  private async writeSnapshot(name: string): Promise<StoredProfile> {
    const { folder } = this.parts;
    await folder.requireRoom();
    return folder.write(name, this.profiler.readHeap(), MAX_HEAP_SNAPSHOT_BYTES);
  }

  private refuseWhileDraining(): void {
    if (!this.isDraining) return;
    const detail = 'The process is stopping. Send the request to a process that runs.';
    throw new Problem(HttpStatus.SERVICE_UNAVAILABLE, 'draining', detail);
  }

  /** Processes of several machines may share the folder. */
  private nameOf(extension: string): string {
    const host = hostname().replaceAll(/[^\w.-]/g, '_');
    const time = new Date(this.parts.clock.now()).toISOString().replaceAll(/[:.]/g, '-');
    return `${this.parts.service}-${host}-${process.pid}-${time}.${extension}`;
  }
}
