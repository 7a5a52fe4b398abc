import type { TopicSettings } from '#orders/topics/topics.js';

/** An existing topic. */
export interface FoundTopic {
  readonly partitions: number;
  /** The copies of the partition that has the fewest. */
  readonly copies: number;
  /** Kafka's topic settings, of the topic or by the broker's default; `undefined` if this client may not read them. */
  readonly settings: ReadonlyMap<string, string> | undefined;
}

/** How an existing topic differs from what it must be. */
export type TopicDifference =
  | { readonly kind: 'copies'; readonly topic: string; readonly found: number; readonly wanted: number }
  | {
      readonly kind: 'setting';
      readonly topic: string;
      readonly name: string;
      readonly found: string;
      readonly wanted: string;
    }
  | { readonly kind: 'unreadable'; readonly topic: string };

/** Whether a value is good enough, by setting. More than wanted is fine. */
const IS_MET: Readonly<Record<string, (found: string, wanted: string) => boolean>> = {
  'min.insync.replicas': (found, wanted) => Number(found) >= Number(wanted),
  'retention.ms': (found, wanted) => retention(found) >= retention(wanted),
  'max.message.bytes': (found, wanted) => Number(found) >= Number(wanted),
};

/** Compares an existing topic with the settings of a new one. */
export function topicDifferences(wanted: TopicSettings, found: FoundTopic): TopicDifference[] {
  const { topic, replicationFactor, configEntries } = wanted;
  const differences: TopicDifference[] = [];
  if (found.copies < replicationFactor)
    differences.push({ kind: 'copies', topic, found: found.copies, wanted: replicationFactor });
  const { settings } = found;
  if (settings === undefined) return [...differences, { kind: 'unreadable', topic }];
  for (const { name, value } of configEntries) {
    const current = settings.get(name) ?? '';
    const isMet = IS_MET[name] ?? ((one: string, other: string) => one === other);
    if (!isMet(current, value)) differences.push({ kind: 'setting', topic, name, found: current, wanted: value });
  }
  return differences;
}

/** Whether acknowledged records could be lost, so that a service must not use the topic. */
export function isUnsafe(difference: TopicDifference): boolean {
  return difference.kind === 'copies' || (difference.kind === 'setting' && difference.name === 'min.insync.replicas');
}

/** Says what is wrong, and what to do. */
export function describeDifference(difference: TopicDifference): string {
  const { topic } = difference;
  switch (difference.kind) {
    case 'copies': {
      const { found, wanted } = difference;
      return `Topic ${topic} has replication factor ${found}, not ${wanted}: ${CURE}, or set TOPIC_REPLICATION_FACTOR=${found} to accept it.`;
    }
    case 'setting': {
      const { name, found, wanted } = difference;
      const accept =
        name === 'min.insync.replicas'
          ? `, or set TOPIC_MIN_INSYNC_REPLICAS=${found} to accept that fewer copies acknowledge`
          : '';
      return `Topic ${topic} has ${name} ${found}, not ${wanted}: ${CURE}${accept}.`;
    }
    case 'unreadable':
      return `The settings of topic ${topic} can't be read: allow DescribeConfigs.`;
  }
}

const CURE = 'change it with npm run admin -- topics apply';

/** Returns a retention in milliseconds; -1 in Kafka stands for ever. */
function retention(text: string): number {
  const milliseconds = Number(text);
  return milliseconds < 0 ? Number.POSITIVE_INFINITY : milliseconds;
}
