import type { ServiceState } from './service-states.js';
import type { StackService } from './stack-file.js';

/**
 * Returns the consumers' service with the number that runs now, while the autoscaler sets it: `CONSUMERS` is for the first deployment only then. The
 * autoscaler would take another number for that of a person, and keep it for half an hour.
 * @param running the services of the stack, read just before the deployment: the autoscaler may act at any time
 */
export function keptConsumers(consumer: StackService, running: readonly ServiceState[]): StackService {
  const wanted = running.find(({ service }) => service === 'consumer')?.wanted ?? 0;
  return wanted === 0 ? consumer : { ...consumer, deploy: { ...consumer.deploy, replicas: wanted } };
}
