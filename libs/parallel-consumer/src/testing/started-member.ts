import type { Broker } from '../kafka/broker.js';
import type { ContractTopic } from './contract-kafka.js';
import { RecordingListener, type Behaviour } from './recording-listener.js';

export interface Started {
  readonly broker: Broker;
  readonly listener: RecordingListener;
}

/** A member that reads all that it is assigned. */
export async function started(topic: ContractTopic, behaviour: Behaviour = {}): Promise<Started> {
  const broker = topic.member();
  const listener = new RecordingListener(broker, behaviour);
  await broker.start(listener);
  return { broker, listener };
}

/** A member in the group that leaves the reading to the spec. */
export async function joined(topic: ContractTopic): Promise<Started> {
  const broker = topic.member();
  const listener = new RecordingListener(broker, { reads: false });
  await broker.start(listener);
  await listener.until(() => listener.assignment !== undefined);
  return { broker, listener };
}
