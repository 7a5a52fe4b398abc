import type { RecordHandler } from './record-handler.js';
import { reportingHandler, startOf } from './reporting-handler.js';
import { isObject, ofType, type Check } from '../checks/value-checks.js';

/** A handler for the records of each topic. */
export type TopicHandlers = Readonly<Record<string, RecordHandler>>;

/** One handler for all records, or one for each topic. */
export const handlers: Check = (name, value) => {
  if (!isObject(value)) return ofType('function')(name, value);
  for (const [topic, handler] of Object.entries(value)) ofType('function')(`${name}['${topic}']`, handler);
};

/** Returns one handler for the records of all topics. @throws TypeError unless each topic has exactly one */
export function handlerOfTopics(given: RecordHandler | TopicHandlers, topics: readonly string[]): RecordHandler {
  if (typeof given === 'function') return given;
  const byTopic = new Map(Object.entries(given));
  for (const topic of topics) if (!byTopic.has(topic)) throw new TypeError(`handler has none for the topic ${topic}`);
  for (const topic of byTopic.keys())
    if (!topics.includes(topic))
      throw new TypeError(
        `handler has one for ${topic}, which is none of the topics of the broker: ${topics.join(', ')}`,
      );
  const starts = new Map([...byTopic].map(([topic, handler]) => [topic, startOf(handler)]));
  return reportingHandler((item) => starts.get(item.record.topic)?.(item));
}
