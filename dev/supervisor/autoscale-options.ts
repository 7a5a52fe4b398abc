import { z } from 'zod';
import { loadSettings } from '#service/settings/settings.js';
import { autoscalingSettings, refuseContradictions } from '../../apps/console/src/autoscaling/autoscaling-settings.js';
import { orBadSetting } from './bad-setting.js';

/** Adds the default to an `--autoscale` without a mode, since `parseArgs` knows no optional values. */
export function withAutoscaleMode(args: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    const following = args[at + 1];
    return arg === '--autoscale' && (following === undefined || following.startsWith('--')) ? [arg, 'on'] : [arg];
  });
}

/** @param badFlag makes the error of a wrong flag */
export function autoscaleMode(
  flags: { autoscale?: string; 'no-console'?: boolean },
  badFlag: (message: string) => Error,
): 'on' | 'dry-run' | undefined {
  const { autoscale, 'no-console': isWithoutConsole } = flags;
  if (autoscale === undefined) return undefined;
  if (autoscale !== 'on' && autoscale !== 'dry-run')
    throw badFlag(`--autoscale must be on or dry-run, got "${autoscale}"`);
  if (isWithoutConsole === true)
    throw badFlag('--autoscale needs the console and can not be combined with --no-console');
  return autoscale;
}

/**
 * Rejects limits that contradict each other before the servers start. The console checks them again, with the partitions of existing data.
 * @throws StackError `bad-setting`
 */
export function requireAutoscaleLimits(partitions: number, env: NodeJS.ProcessEnv): void {
  const most = { TOPIC_PARTITIONS: String(partitions), TOPIC_PARTITIONS_FILE: '' };
  orBadSetting(() => loadSettings(refuseContradictions(z.object(autoscalingSettings)), { ...env, ...most }));
}
