import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/http/problem.js';
import type { SeenLoad } from '../autoscaling/autoscaler.js';
import type { AutoscalingStatus } from '../autoscaling/autoscaling-status.js';
import { isCalm, livingOf } from '../changes/observation.js';
import { DEMO_CONSUMERS } from './demo-steps.js';

/** What a scaling demo finds when it is requested. */
export interface DemoSurroundings {
  /** `undefined`: nothing was observed yet. */
  readonly load: SeenLoad | undefined;
  /** Mean load of the busiest machine over some seconds, 0 to 1; `null`: unknown. */
  readonly machineLoad: number | null;
  readonly autoscaling: Pick<AutoscalingStatus, 'mode' | 'latest'>;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A pipeline at rest has no more unfinished records than this, such as those of one that trickles. */
const FEW_RECORDS = 100;
/** Three consumers and the servers need some CPU: about 0.3 cores at 3,000 orders/s. */
const BUSY_MACHINE = 0.7;
/** A hold of the autoscaler must not end during a demo, in ms. */
const HELD_MS = 300_000;

/**
 * Refuses a demo that would disturb other work, or whose verdict would say nothing.
 * @param ignoreLoad whether the machine may be busy
 * @returns the load, all of whose figures are known
 * @throws Problem 409 with a code for each condition
 */
export function requireQuiet(
  { load, machineLoad, autoscaling, now }: DemoSurroundings,
  ignoreLoad: boolean,
): Pick<SeenLoad, 'configuredConsumers'> & { readonly observation: NonNullable<SeenLoad['observation']> } {
  const heldUntil = autoscaling.latest?.state?.heldUntil ?? 0;
  if (autoscaling.mode === 'on' && heldUntil < now + HELD_MS)
    throw refusal('autoscaling-on', 'The autoscaler would change the number of consumers. Start without --autoscale.');
  const observation = load?.observation;
  if (load === undefined || observation === undefined || livingOf(observation).size === 0)
    throw refusal('pipeline-unknown', 'No consumer runs, or Kafka or MongoDB does not answer. Try again in a moment.');
  if (observation.partitions < DEMO_CONSUMERS.after)
    throw refusal(
      'too-few-partitions',
      `The topic has ${observation.partitions} partitions, and the demo needs at least ${DEMO_CONSUMERS.after}.`,
    );
  if (observation.lagRecords > FEW_RECORDS || (load.producedPerSecond ?? 1) > 0)
    throw refusal('work-under-way', 'Orders are being sent or saved. Wait until the lag is 0.');
  if (!isCalm(observation) || load.isDisturbed)
    throw refusal('work-under-way', 'Consumers start, stop or are replaced. Wait until all are ready.');
  if (!ignoreLoad && (machineLoad ?? 1) >= BUSY_MACHINE)
    throw refusal(
      'machine-busy',
      `${Math.round(100 * (machineLoad ?? 1))} % of the machine's CPU is in use, so the rates would say little. Wait, or start it anyway (ignoreLoad, or --ignore-load of npm run orders).`,
    );
  return { ...load, observation };
}

function refusal(code: string, detail: string): Problem {
  return new Problem(HttpStatus.CONFLICT, code, detail);
}
