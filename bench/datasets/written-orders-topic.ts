import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import type { Dataset } from './dataset.js';

/** The app's topic, empty at first: it contains only what the writing contenders have sent. */
export const WRITTEN_ORDERS_TOPIC: Dataset = {
  topic: ORDERS_TOPIC,
  records: 0,
  maker: () => (index) => {
    throw new RangeError(`no record ${index}: this dataset is empty`);
  },
};
