import { z } from 'zod';
import { contradictionIn, type AutoscaleLimits } from '#autoscaling/capacity.js';
import { DEFAULT_PARTITIONS } from '#orders/topics/topics.js';
import { topicSafetySettings } from '#service/settings/kafka-settings.js';
import { httpAddress, wholeNumber } from '#service/settings/settings.js';

/** What the autoscaler may do. `dry-run`: it reports what it would do. */
export const AUTOSCALE_MODES = ['off', 'dry-run', 'on'] as const;
export type AutoscaleMode = (typeof AUTOSCALE_MODES)[number];

/** The settings of the autoscaler; part of the console's settings. */
export const autoscalingSettings = {
  AUTOSCALE: z.enum(AUTOSCALE_MODES).default('off').meta({
    description:
      'Whether the console scales the consumers by itself. `dry-run` only reports what it would do: begin with it.',
  }),
  AUTOSCALE_MIN_CONSUMERS: wholeNumber(1, 1_000)
    .default(1)
    .meta({ description: 'Fewest consumers that the autoscaler sets.' }),
  AUTOSCALE_MAX_CONSUMERS: wholeNumber(1, 1_000)
    .optional()
    .meta({ description: 'Most consumers that the autoscaler sets.', shownDefault: '`TOPIC_PARTITIONS`, at most 64' }),
  AUTOSCALE_DRAIN_SECONDS: wholeNumber(10, 86_400).default(120).meta({
    description: 'Goal of the autoscaler: an order is saved so many seconds after it arrived, at the latest.',
  }),
  AUTOSCALE_ACTUATOR_URL: httpAddress()
    .optional()
    .meta({
      description:
        'The helper that sets the number of consumers, such as `swarm-scaler`. Unset: `npm start`, or KEDA, which asks the console.',
      needs: ['AUTOSCALE_ACTUATOR_TOKEN'],
    }),
  AUTOSCALE_ACTUATOR_TOKEN: z
    .string()
    .regex(/^[\w.~+/-]{16,}=*$/)
    .optional()
    .meta({
      description: 'Bearer token for the helper.',
      allowed: 'a token of at least 16 characters, without spaces',
      secret: true,
      needs: ['AUTOSCALE_ACTUATOR_URL'],
    }),
  TOPIC_PARTITIONS: topicSafetySettings.TOPIC_PARTITIONS,
};

type Settings = z.infer<z.ZodObject<typeof autoscalingSettings>>;

/** As many as `npm start` can run. */
const MOST_BY_DEFAULT = 64;

/** Returns the limits that the settings give. */
export function autoscaleLimits(settings: Settings): AutoscaleLimits {
  const partitions = settings.TOPIC_PARTITIONS ?? DEFAULT_PARTITIONS;
  return {
    minConsumers: settings.AUTOSCALE_MIN_CONSUMERS,
    maxConsumers: settings.AUTOSCALE_MAX_CONSUMERS ?? Math.min(MOST_BY_DEFAULT, partitions),
    drainSeconds: settings.AUTOSCALE_DRAIN_SECONDS,
  };
}

/** Lets a schema with these settings refuse limits that contradict each other, by the setting and the reason. */
export function refuseContradictions<S extends z.ZodObject<typeof autoscalingSettings>>(schema: S): S {
  return schema.superRefine((given, context) => {
    const settings = given as Settings;
    const { maxConsumers } = autoscaleLimits(settings);
    const partitions = settings.TOPIC_PARTITIONS ?? DEFAULT_PARTITIONS;
    const refuse = (setting: keyof Settings, reason: string): void =>
      context.addIssue({ code: 'custom', path: [setting], params: { reason } });
    const found = contradictionIn(autoscaleLimits(settings), partitions);
    if (found === 'min-above-max')
      refuse('AUTOSCALE_MIN_CONSUMERS', `is above AUTOSCALE_MAX_CONSUMERS, ${maxConsumers}`);
    if (found === 'max-above-partitions')
      refuse(
        'AUTOSCALE_MAX_CONSUMERS',
        `is above the number of partitions, TOPIC_PARTITIONS, ${partitions}: each partition has one consumer`,
      );
  });
}
