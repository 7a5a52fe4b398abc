import { describe, expect, it } from '@jest/globals';
import { loadSettings } from '#service/settings/settings.js';
import { settingsSchema } from '../settings-schema.js';
import { autoscaleLimits } from './autoscaling-settings.js';

function limits(env: NodeJS.ProcessEnv = {}) {
  return autoscaleLimits(loadSettings(settingsSchema, env));
}

describe('the settings of the autoscaler', () => {
  it('are off by default, with as many consumers as partitions at most', () => {
    expect(loadSettings(settingsSchema, {}).AUTOSCALE).toBe('off');
    expect(limits()).toEqual({ minConsumers: 1, maxConsumers: 12, drainSeconds: 120 });
    expect(limits({ TOPIC_PARTITIONS: '100' }).maxConsumers).toBe(64);
    expect(limits({ TOPIC_PARTITIONS: '6', AUTOSCALE_MAX_CONSUMERS: '6', AUTOSCALE_MIN_CONSUMERS: '6' })).toMatchObject(
      {
        minConsumers: 6,
        maxConsumers: 6,
      },
    );
  });

  it.each<[string, NodeJS.ProcessEnv, string]>([
    [
      'a minimum above the maximum',
      { AUTOSCALE_MIN_CONSUMERS: '5', AUTOSCALE_MAX_CONSUMERS: '4' },
      'AUTOSCALE_MIN_CONSUMERS must be an integer from 1 to 1,000, got "5", which is above AUTOSCALE_MAX_CONSUMERS, 4',
    ],
    [
      'a maximum above the number of partitions',
      { AUTOSCALE_MAX_CONSUMERS: '13' },
      'AUTOSCALE_MAX_CONSUMERS must be an integer from 1 to 1,000, got "13", which is above the number of partitions, TOPIC_PARTITIONS, 12: each partition has one consumer',
    ],
    ['an unknown mode', { AUTOSCALE: 'yes' }, 'AUTOSCALE must be one of off, dry-run, on, got "yes"'],
    ['a goal of 0', { AUTOSCALE_DRAIN_SECONDS: '0' }, 'AUTOSCALE_DRAIN_SECONDS must be an integer from 10 to 86,400'],
    [
      'a helper without a token',
      { AUTOSCALE_ACTUATOR_URL: 'http://scaler:3020' },
      'AUTOSCALE_ACTUATOR_URL needs AUTOSCALE_ACTUATOR_TOKEN',
    ],
  ])('refuse %s by name', (_, env, message) => {
    expect(() => loadSettings(settingsSchema, env)).toThrow(message);
  });
});
