import { readLegacyFiles } from '../stores/stored-orders.js';
import type { DemoContext } from './demo-context.js';
import { untilBreakersClosed, untilConsumersShare, untilOlderWritesAreFinal, untilReady } from './recovery.js';
import { waitUntil } from './wait-until.js';

const WITHIN_MS = 60_000;
/** Enough that several accounts have some. */
const OPEN_WRITES = 20;

/** Kills a process with SIGKILL, and waits until its part works again and no earlier write waits for it. */
export async function kill(context: DemoContext, what: 'facade' | 'legacy' | 'consumer'): Promise<string> {
  const began = performance.now();
  const killed = await KILLS[what](context);
  return `${killed} was killed; all was as before ${((performance.now() - began) / 1_000).toFixed(1)} s later`;
}

const KILLS = {
  facade: async (context: DemoContext) => {
    await context.stack.apps.kill('facade-1');
    await untilReady(context, context.stack.facadeUrls[0] ?? '');
    await untilOlderWritesAreFinal(context);
    return 'facade-1';
  },
  legacy: async (context: DemoContext) => {
    const end = context.away.begin('legacy', 'the legacy system was killed');
    await killLegacy(context);
    end();
    return 'the legacy system';
  },
  consumer: async (context: DemoContext) => {
    const end = context.away.begin('new', 'a consumer was killed');
    const pid = await context.stack.apps.kill('consumer-1');
    await untilConsumersShare(context, pid);
    await untilOlderWritesAreFinal(context);
    end();
    return 'consumer-1';
  },
};

async function killLegacy(context: DemoContext): Promise<void> {
  await context.stack.apps.kill('legacy');
  await untilReady(context, context.stack.legacyUrl);
  await untilBreakersClosed(context, 'legacy');
  await untilOlderWritesAreFinal(context);
}

/**
 * Stops the legacy system while it follows, until writes are open. Takes writes back to `dualwrite`, then kills it, and reads its files
 * once it has caught up: all that any client was acknowledged must be there.
 */
export async function rollBackWithOpenWrites(context: DemoContext): Promise<string> {
  const { api, stack, away, traffic, findings, signal } = context;
  const end = away.begin('legacy', 'the legacy system was stopped and killed');
  stack.apps.pause('legacy');
  const openWrites = await waitUntil('writes that the legacy system misses', WITHIN_MS, signal, async () => {
    const { items } = await api.pending();
    const open = items.filter(({ answering, legacy }) => answering === 'new' && legacy === 'open').length;
    return open >= OPEN_WRITES ? open : undefined;
  });
  const asked = performance.now();
  const seconds = (): number => (performance.now() - asked) / 1_000;
  await waitUntil('the rollback', WITHIN_MS, signal, async () => {
    const refused = await api.move('writes', 'dualwrite', 100, 'demo: a rollback with open writes');
    return refused === undefined ? true : undefined;
  });
  traffic.log.enter('writes', 'dualwrite');
  const secondsToRollBack = seconds();
  const { acknowledged } = traffic;
  await killLegacy(context);
  const secondsToCatchUp = seconds();
  end();
  const stored = new Map((await readLegacyFiles(stack.legacyFolder)).map(({ id, text }) => [id, text]));
  const missing = acknowledged.filter(({ id, text }) => stored.get(id) !== text).length;
  findings.rolledBack = { openWrites, missing, checked: acknowledged.length, secondsToRollBack, secondsToCatchUp };
  return `${openWrites} writes were open; ${missing} of ${acknowledged.length} acknowledged orders are missing on the legacy system`;
}
