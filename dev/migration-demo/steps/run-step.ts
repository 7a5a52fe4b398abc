import { setTimeout as delay } from 'node:timers/promises';
import { catchBug } from './catch-bug.js';
import { backfill, removeWrongOrders, verify } from './copy-and-compare.js';
import type { DemoContext } from './demo-context.js';
import { kill, rollBackWithOpenWrites } from './kill.js';
import type { PlannedStep } from './plan.js';
import { promote, switchOff } from './promote.js';
import { untilOlderWritesAreFinal } from './recovery.js';

/** Runs a step to its end. @returns what came out, for people @throws StackError if the demo can't go on */
export async function runStep(step: PlannedStep, context: DemoContext): Promise<string> {
  switch (step.do) {
    case 'traffic':
      await delay(step.seconds * 1_000, undefined, { signal: context.signal });
      return `${context.traffic.log.total} requests so far`;
    case 'promote':
      return promote(context, step.targets);
    case 'backfill':
      return backfill(context);
    case 'verify':
      return verify(context);
    case 'deploy':
      await context.stack.deployFacade(step.bug);
      return 'both instances run it';
    case 'catch':
      return catchBug(context, step.field);
    case 'switch-off':
      return switchOff(context, step.capabilities);
    case 'remove-wrong-orders':
      return removeWrongOrders(context);
    case 'kill':
      return kill(context, step.what);
    case 'roll-back-with-open-writes':
      return rollBackWithOpenWrites(context);
    case 'stop-traffic':
      await context.traffic.stop();
      await untilOlderWritesAreFinal(context);
      return `${context.traffic.acknowledged.length} orders acknowledged, no write is open`;
  }
}
