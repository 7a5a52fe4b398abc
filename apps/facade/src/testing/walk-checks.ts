import type { SideName } from '../sides/side.js';
import type { Journal } from './simulated-client.js';
import type { SimulatedWorld } from './simulated-world.js';

/** Adds what is wrong once everything has ended: open intents, orders that are missing, doubled, or in another order. */
export async function checkEnd(world: SimulatedWorld, { acked, defects }: Journal): Promise<void> {
  const { sides, buckets, diverged, store } = world;
  const open = (await buckets.openBuckets()).flatMap((bucket) => bucket.open);
  if (open.length > 0) defects.push(`${open.length} intents are still open: ${JSON.stringify(open[0]?.lastError)}`);
  const { change } = await store.read();
  if (change !== null) defects.push(`the change to ${change.stage} is still pending`);
  for (const { id } of acked.values()) {
    const admitted = buckets.admitted.get(id);
    for (const side of ['legacy', 'new'] as const) {
      const mustHave = admitted === undefined ? side === 'legacy' : admitted[side] !== 'none';
      if (mustHave && !sides[side].accepted.has(id) && !diverged.has(id))
        defects.push(`${id} is missing on the ${side} side`);
    }
  }
  for (const [id, { legacy }] of sides.legacy.accepted) {
    const other = sides.new.accepted.get(id);
    if (other !== undefined && other.legacy.number !== legacy.number) defects.push(`${id} has two numbers`);
  }
  for (const side of ['legacy', 'new'] as const) checkOrder(world, side, { acked, defects });
}

/** Each account's writes are stored in the order in which they were admitted. */
function checkOrder(
  { sides, buckets }: SimulatedWorld,
  side: SideName,
  { acked, defects }: Pick<Journal, 'acked' | 'defects'>,
): void {
  const places = new Map([...sides[side].accepted.keys()].map((id, at) => [id, at]));
  for (const ids of buckets.byAccount.values()) {
    const written = ids.filter((id) => buckets.admitted.get(id)?.[side] !== 'none' && places.has(id) && acked.has(id));
    const positions = written.map((id) => places.get(id) ?? 0);
    const wrong = positions.findIndex((place, at) => at > 0 && place < (positions[at - 1] ?? 0));
    if (wrong > 0)
      defects.push(`the ${side} side has ${written[wrong]} before ${written[wrong - 1]}, which was admitted first`);
  }
}
