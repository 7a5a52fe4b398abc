import { ORDERS_TOPIC } from '#orders/topics.js';
import type { Dataset } from './dataset.js';

/** The topic of the app, empty at first: what stands on it is what contenders that write have sent. */
export const WRITTEN_ORDERS_TOPIC: Dataset = {
  topic: ORDERS_TOPIC,
  records: 0,
  maker: () => (index) => {
    throw new RangeError(`no record ${index}: nothing is written here before`);
  },
};
