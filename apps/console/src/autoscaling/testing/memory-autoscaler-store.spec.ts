import { describe } from '@jest/globals';
import { itIsAnAutoscalerStore } from './autoscaler-store-contract.js';
import { MemoryAutoscalerStore, sharedAutoscaler } from './memory-autoscaler-store.js';

describe('MemoryAutoscalerStore', () => {
  itIsAnAutoscalerStore(async () => {
    const shared = sharedAutoscaler();
    return [new MemoryAutoscalerStore(shared, 'one'), new MemoryAutoscalerStore(shared, 'other')];
  });
});
