import { setTimeout as delay } from 'node:timers/promises';
import { MAX_CONSUMERS } from '../cluster/ground.js';
import { ClusterApps } from '../cluster/cluster-apps.js';
import { consumersOf, oneOf, type FaultKind } from './fault.js';

const STORM_WAVES = 5;
const BETWEEN_WAVES_MS = 1_500;

/** Starts and stops consumers faster than the group can finish a rebalance. */
const rebalanceStorm: FaultKind = {
  name: 'rebalance-storm',
  lastsMs: [0, 1_000],
  make: async (cluster, draw) => {
    const waves = Array.from({ length: STORM_WAVES }, () => 1 + draw(MAX_CONSUMERS));
    return Promise.resolve({
      subject: `${waves.join(', ')} consumers`,
      begin: async () => {
        for (const wave of waves) {
          cluster.apps.scale(wave);
          await delay(BETWEEN_WAVES_MS);
        }
      },
      end: async () => Promise.resolve(cluster.apps.scale()),
    });
  },
};

/** Scales to one consumer, to the maximum, and to one again. */
const scaleUpAndDown: FaultKind = {
  name: 'scale-1-6-1',
  lastsMs: [8_000, 12_000],
  make: async (cluster, draw) => {
    const betweenMs = 6_000 + draw(4_000);
    return Promise.resolve({
      subject: `1, ${MAX_CONSUMERS}, 1 and ${cluster.apps.wantedConsumers} consumers`,
      begin: async () => {
        for (const count of [1, MAX_CONSUMERS, 1]) {
          cluster.apps.scale(count);
          await delay(betweenMs);
        }
      },
      end: async () => Promise.resolve(cluster.apps.scale()),
    });
  },
};

const clockJump: FaultKind = {
  name: 'clock-jump',
  lastsMs: [2_000, 10_000],
  make: async (cluster, draw) => {
    const app = oneOf(ClusterApps.names(consumersOf(cluster).length), draw);
    const shiftMs = oneOf([-3_600_000, -30_000, 30_000, 3_600_000], draw);
    return Promise.resolve({
      subject: `${app} by ${shiftMs / 1_000} s`,
      begin: async () => cluster.shiftClock(app, shiftMs),
      end: async () => cluster.shiftClock(app, 0),
    });
  },
};

/** Faults that change the number of consumers, or an app's clock, without a failure of a process. */
export const GROUP_FAULTS: readonly FaultKind[] = [rebalanceStorm, scaleUpAndDown, clockJump];
