import type { Mutant } from './mutant.js';

const SENDER = 'intake/batch-sender.ts';
const RECOVERY = 'intake/block-recovery.ts';
const REPEATS = 'intake/repeated-requests.ts';

/** Mutants of the intake: what a crash or a lost answer leaves behind. */
export const INTAKE_MUTANTS: readonly Mutant[] = [
  {
    name: 'accept before Kafka has the orders',
    file: SENDER,
    replace: 'const parts = await this.parts.topic.send(built.records);',
    by: 'const parts: never[] = [];\n      void this.parts.topic.send(built.records).catch(() => undefined);',
  },
  {
    name: 'leave a batch alone after a send with an unknown outcome',
    file: SENDER,
    replace: 'this.recover(reserved);\n      throw error;\n    }\n    operation.acked',
    by: 'throw error;\n    }\n    operation.acked',
  },
  {
    name: 'leave a batch alone after an insert with an unknown outcome',
    file: SENDER,
    replace: 'this.recover(reserved);\n      throw error;\n    }\n    if (requests.length > 0)',
    by: 'throw error;\n    }\n    if (requests.length > 0)',
  },
  {
    name: 'forget a block whose reservation was not answered',
    file: SENDER,
    replace: 'await recovery.settle(stray);',
    by: '',
    specs: 'intake/batch-sender',
  },
  {
    name: 'mark a batch of a crashed producer as acknowledged without sending it',
    file: RECOVERY,
    replace: 'const parts = await this.topic.send(records);',
    by: 'const parts: never[] = [];\n    void records;',
  },
  {
    name: 'answer a repeated request before Kafka has its orders',
    file: REPEATS,
    replace: "else if (batch.state !== 'acknowledged') return false;\n",
    by: '',
  },
  {
    name: 'start any number of reconciliations',
    file: 'reconcile/reconcile.controller.ts',
    replace: 'this.places.hold(request, reply);',
    by: '',
    specs: 'reconcile.controller',
  },
];
