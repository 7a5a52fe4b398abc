/** A topic that the consumer needs. */
export interface RequiredTopic {
  readonly role: 'source' | 'dead-letter';
  readonly topic: string;
  /** 0 when the topic does not exist. */
  readonly partitions: number;
}

/**
 * Thrown at the start when a source topic or the dead-letter topic is missing, or when the dead-letter topic has fewer partitions.
 * The message names the topics with their partition counts, and how to create or change them.
 */
export class TopicError extends Error {
  override readonly name = 'TopicError';

  constructor(
    readonly code: 'topic-missing' | 'too-few-partitions',
    /** The topics as Kafka has them. */
    readonly topics: readonly RequiredTopic[],
  ) {
    const most = mostPartitions(topics);
    const remedies = topics.flatMap((topic) => toRemedy(topic, most) ?? []);
    super(`${topics.map(describe).join('; ')}. ${remedies.join('. ')}`);
  }
}

/** Returns why the consumer can't work with these topics; `undefined` when it can. */
export function findTopicError(topics: readonly RequiredTopic[]): TopicError | undefined {
  if (topics.some(({ partitions }) => partitions === 0)) return new TopicError('topic-missing', topics);
  const deadLetter = topics.find(({ role }) => role === 'dead-letter');
  if (deadLetter !== undefined && deadLetter.partitions < mostPartitions(topics))
    return new TopicError('too-few-partitions', topics);
  return undefined;
}

/** The partitions of the largest source topic; 0 if none exists. */
function mostPartitions(topics: readonly RequiredTopic[]): number {
  return Math.max(0, ...topics.filter(({ role }) => role === 'source').map(({ partitions }) => partitions));
}

/** Describes a topic, such as `the source topic orders.v1 has 12 partitions`. */
function describe({ role, topic, partitions }: RequiredTopic): string {
  if (partitions === 0) return `the ${role} topic ${topic} does not exist`;
  return `the ${role} topic ${topic} has ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`;
}

const SCRIPT = 'kafka-topics.sh --bootstrap-server HOST:PORT';

/** Returns how to create the topic or add partitions, by kafkajs or by Kafka's script; `undefined` when the topic needs none. */
function toRemedy({ role, topic, partitions }: RequiredTopic, source: number): string | undefined {
  const isSource = role === 'source';
  const needed = isSource || source === 0 ? 'N' : source;
  if (partitions === 0) {
    const what = isSource ? topic : `${topic} with at least as many partitions as the source topic`;
    const [kept, retention] = isSource
      ? ['', '']
      : [", configEntries: [{ name: 'retention.ms', value: '-1' }]", ' --config retention.ms=-1'];
    const settings = `{ topic: '${topic}', numPartitions: ${needed}${kept} }`;
    const script = `${SCRIPT} --create --topic ${topic} --partitions ${needed}${retention}`;
    return `Create ${what}: kafka.admin().createTopics({ waitForLeaders: false, topics: [${settings}] }), or ${script}`;
  }
  if (isSource || partitions >= source) return undefined;
  const settings = `{ topic: '${topic}', count: ${needed} }`;
  const script = `${SCRIPT} --alter --topic ${topic} --partitions ${needed}`;
  return `Add partitions to ${topic}, which needs at least as many as the source topic: kafka.admin().createPartitions({ topicPartitions: [${settings}] }), or ${script}`;
}
