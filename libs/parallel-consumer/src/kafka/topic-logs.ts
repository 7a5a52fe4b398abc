import type { KafkaConnections } from './kafka-connections.js';
import { TopicLog } from './topic-log.js';

/** The logs of the topics that were asked for, one for each. */
export class TopicLogs {
  private readonly logs = new Map<string, TopicLog>();

  constructor(private readonly connections: KafkaConnections) {}

  /** Returns the log of a topic. It sends no request before it is used. */
  of(topic: string): TopicLog {
    const log = this.logs.get(topic) ?? new TopicLog(this.connections, topic);
    this.logs.set(topic, log);
    return log;
  }

  /** Drops what is known of a topic, so that it is asked for again. */
  forget(topic: string): void {
    this.logs.delete(topic);
  }
}
