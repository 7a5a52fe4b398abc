import { setTimeout as delay } from 'node:timers/promises';
import { createDraws } from '#orders/generator/seeded-random.js';
import type { Draw } from '../../dev/migration-journey/stored-orders.js';
import { reasonOf } from '../../dev/migration-journey/clients.js';
import type { Recovery } from './checks/watches.js';
import type { Cluster } from './cluster/cluster.js';
import { drawsAt, shuffled } from './draws.js';
import type { Fault, FaultKind } from './fault-kinds.js';
import type { History } from './history.js';

/** A planned fault. The plan depends only on the seed and the kinds, not on the course of the run. */
interface PlannedFault {
  /** Its place in the schedule, from 0. */
  readonly place: number;
  readonly kind: FaultKind;
  readonly lastsMs: number;
  /** Draws for the fault itself. */
  readonly draw: Draw;
  /** Whether it begins while the previous fault lasts. */
  readonly isTogether: boolean;
}

// Each of these numbers selects an independent sequence of draws.
const ORDER = 1;
const LASTS = 2;
const TOGETHER = 3;

/** On average, one fault of this many is simultaneous with the previous one. */
const TOGETHER_ONE_OF = 4;

/** Generates an endless schedule: every kind once per round, in a new order each round. */
function* schedule(seed: number, kinds: readonly FaultKind[]): Generator<PlannedFault> {
  if (kinds.length === 0) throw new RangeError('there is no kind of fault to choose from');
  const draws = createDraws(seed);
  for (let place = 0; ;)
    for (const kind of shuffled(kinds, seed, ORDER, place)) {
      const [least, most] = kind.lastsMs;
      yield {
        place,
        kind,
        lastsMs: least + draws(LASTS, place, most - least + 1),
        isTogether: place > 0 && draws(TOGETHER, place, TOGETHER_ONE_OF) === 0,
        draw: drawsAt(seed, place),
      };
      place += 1;
    }
}

interface Begun extends Fault {
  readonly planned: PlannedFault;
}

/** Injects faults by their schedule, mostly one at a time, sometimes several at once. After each round the cluster must recover. */
export class FaultRounds {
  constructor(
    private readonly cluster: Cluster,
    /** Waits until the cluster has recovered. */
    private readonly recovery: () => Promise<Recovery>,
    private readonly history: History,
    private readonly print: (line: string) => void,
    /** Pause between a recovery and the next fault. */
    private readonly calmMs: number,
    /** Ends each fault at once, and begins no further one. */
    private readonly enough: AbortSignal,
  ) {}

  /** Begins rounds until `untilMs` or until the signal aborts. A round that has begun still ends and recovers. */
  async run(seed: number, kinds: readonly FaultKind[], untilMs: number, signal: AbortSignal): Promise<void> {
    let plans: PlannedFault[] = [];
    for (const planned of schedule(seed, kinds)) {
      if (plans.length > 0 && !planned.isTogether) {
        await Promise.allSettled([delay(this.calmMs, undefined, { signal: AbortSignal.any([signal, this.enough]) })]);
        if (this.history.now() >= untilMs || signal.aborted || this.enough.aborted) return;
        await this.round(plans);
        plans = [];
      }
      plans.push(planned);
    }
  }

  /** Simultaneous faults begin one after another, and end in the order in which they began. */
  private async round(plans: readonly PlannedFault[]): Promise<void> {
    const begun: Begun[] = [];
    for (const planned of plans) {
      const fault = await this.begin(planned, begun);
      if (fault !== undefined) begun.push(fault);
    }
    const last = begun.at(-1);
    if (last === undefined) return;
    const tolerated = begun.length === 1 && last.planned.kind.isTolerated === true ? await this.recovery() : undefined;
    let untilMs = 0;
    const ends = begun.map((fault) => ({ fault, afterMs: (untilMs += fault.planned.lastsMs) }));
    // No fault waits for the end of another: a server started alone, one of three, serves only once a second one runs.
    const ending = ends.map(async ({ fault, afterMs }) => {
      await this.lasts(afterMs);
      await this.end(fault);
    });
    await this.lasts(untilMs);
    const recovering = this.recovery();
    await Promise.all(ending);
    this.recovered(last.planned.place, slower(tolerated, await recovering));
  }

  private async lasts(ms: number): Promise<void> {
    await Promise.allSettled([delay(ms, undefined, { signal: this.enough })]);
  }

  private async begin(planned: PlannedFault, others: readonly Begun[]): Promise<Begun | undefined> {
    const { place, kind } = planned;
    try {
      const fault = await kind.make(this.cluster, planned.draw);
      const mark = { place, kind: kind.name, subject: fault.subject };
      // A process that is killed can't be paused as well.
      if (others.some(({ subject }) => subject === fault.subject)) {
        this.history.add({ type: 'fault-skipped', ...mark });
        return undefined;
      }
      this.print(`fault ${place + 1}: ${kind.name}, ${fault.subject}`);
      this.history.add({ type: 'fault-begins', ...mark });
      await this.beginOrUndo(fault);
      return { ...fault, planned };
    } catch (error) {
      this.failed(planned, error);
      return undefined;
    }
  }

  /** Undoes a fault that began only in part. */
  private async beginOrUndo(fault: Fault): Promise<void> {
    try {
      await fault.begin();
    } catch (error) {
      await Promise.allSettled([fault.end()]);
      throw error;
    }
  }

  private async end(fault: Begun): Promise<void> {
    const { planned, subject } = fault;
    // The time that the process needs to start again counts as recovery.
    this.history.add({ type: 'fault-ends', place: planned.place, kind: planned.kind.name, subject });
    try {
      await fault.end();
      if (fault.hadEffect?.() === false) this.history.add({ type: 'fault-without-effect', place: planned.place });
    } catch (error) {
      this.failed(planned, error);
    }
  }

  private recovered(place: number, found: Recovery): void {
    if ('afterMs' in found) this.history.add({ type: 'recovered', place, afterMs: found.afterMs });
    else {
      this.print(`not recovered within ${found.withinMs} ms: ${found.missing.join(', ')}`);
      this.history.add({ type: 'not-recovered', place, ...found });
    }
  }

  /** Records a failure of the test itself, such as a server that does not start: fewer faults were injected than planned. */
  private failed({ place, kind }: PlannedFault, error: unknown): void {
    this.print(`fault ${place + 1} failed: ${reasonOf(error)}`);
    this.history.add({ type: 'fault-failed', place, kind: kind.name, reason: reasonOf(error) });
  }
}

/** The slower of the two recoveries of a tolerated fault: one during the fault, one after it. */
function slower(one: Recovery | undefined, other: Recovery): Recovery {
  if (one === undefined || 'missing' in other) return other;
  return 'missing' in one || one.afterMs > other.afterMs ? one : other;
}
