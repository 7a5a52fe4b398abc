import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { LibrdkafkaClient } from '../support/foreign-clients/librdkafka-client.js';
import {
  randomSteps,
  runTransactionSteps,
  type StepSettings,
  type TransactionStep,
} from '../support/foreign-clients/transaction-steps.js';
import { seededRandom } from '../support/member/seeded-random.js';
import { TestGroup } from '../support/member/test-group.js';
import { sharedKafka } from '../support/shared-kafka.js';

const SETTINGS = { 'transaction.state.log.num.partitions': 1 };
const WITHIN_MS = 20_000;
/** An int32 0. The key of an abort marker has the same four bytes: version 0, type 0 (abort). */
const INT32_ZERO = Buffer.alloc(4);

const ONLY_COMMITTED = {
  abortedButHandled: [],
  visibleButNotHandled: [],
  repeats: [],
  orderBreaks: [],
  ready: true,
  lag: 0,
  exitCode: 0,
};

/** Parses steps such as `A+ B+ A! B!`: + writes ten records, ! aborts, . commits. */
function toSteps(text: string): TransactionStep[] {
  const actions = { '+': 'write', '!': 'abort', '.': 'commit' } as const;
  return text.split(' ').map((step) => {
    const does = actions[step.slice(1) as keyof typeof actions];
    return { producer: step.slice(0, 1), does };
  });
}

describe('transactions of librdkafka', () => {
  const server = sharedKafka(SETTINGS);
  let librdkafka: LibrdkafkaClient;
  let group: TestGroup;

  beforeAll(async () => {
    librdkafka = await LibrdkafkaClient.start(server().brokers);
  }, 120_000);

  afterAll(async () => {
    await librdkafka.stop();
  });

  afterEach(async () => {
    await group.end();
  });

  /** Runs the steps, then a member to the end of the topic, and compares the handled with the expected records. */
  async function handle(
    steps: readonly TransactionStep[],
    settings: Omit<StepSettings, 'topic' | 'partition'> = {},
  ): Promise<object> {
    group = await TestGroup.on(server(), 'transactions', { partitions: 1 });
    const at = { ...settings, topic: group.topic, partition: 0 };
    const { visible, aborted } = await runTransactionSteps(librdkafka, steps, at);
    const member = group.launch({ inFlight: 50 }, { handlerMs: 0 });
    await group.commitsAll(WITHIN_MS);
    const handled = group.effects.values();
    const { ready, lag } = await member.status();
    const exitCode = await member.stop();
    return {
      abortedButHandled: [...handled].filter((value) => aborted.has(value)).map(toShort),
      visibleButNotHandled: [...visible].filter((value) => !handled.has(value)).map(toShort),
      repeats: group.effects.repeats(),
      orderBreaks: group.effects.orderBreaks(),
      ready,
      lag,
      exitCode,
    };
  }

  it.each([
    ['the first transaction to begin is aborted last', 'A+ B+ A+ B! A! C+ C.'],
    ['the first transaction to begin is aborted first', 'A+ B+ A+ B+ A! B+ B! C+ C.'],
    ['one transaction is aborted while another commits', 'A+ B+ A+ B+ A! B. A+ B+ A. B!'],
    ['three transactions are open at once and end in another order', 'A+ B+ C+ B! C+ A+ A! C! D+ D.'],
    ['a producer aborts before and after the commit of another', 'A+ B+ A! A+ B. A+ A! B+ B.'],
    ['the last transactions are aborted and no visible record follows', 'A+ A. A+ B+ B! A!'],
  ])(
    '%s: only committed records are handled, each once, to the end',
    async (_, steps) => {
      expect(await handle(toSteps(steps))).toEqual(ONLY_COMMITTED);
    },
    60_000,
  );

  it('an aborted transaction whose keys are an int32 0 is not handled', async () => {
    const steps = toSteps('A+ A+ A! A+ A. B+ A+ A! B.');
    expect(await handle(steps, { key: INT32_ZERO })).toEqual(ONLY_COMMITTED);
  }, 60_000);

  it('aborted transactions longer than several fetches are not handled', async () => {
    const long = [...Array.from({ length: 60 }, () => 'A+ B+'), 'B!', 'A+', 'A!', 'C+', 'C.'].join(' ');
    expect(await handle(toSteps(long), { valueBytes: 2_000 })).toEqual(ONLY_COMMITTED);
  }, 60_000);

  it.each([1, 2, 3, 4])(
    'overlapping transactions of five producers, seed %i: only committed records are handled',
    async (seed) => {
      const steps = randomSteps(seededRandom(seed), 100, ['A', 'B', 'C', 'D', 'E']);
      expect(await handle(steps)).toEqual(ONLY_COMMITTED);
    },
    90_000,
  );
});

function toShort(value: string): string {
  return value.slice(0, 20);
}
