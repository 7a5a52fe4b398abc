import { afterEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { CommandContext } from '../command-context.js';
import type { Operation } from '../producer/producer-api.js';
import { ProducerClient } from '../producer/producer-client.js';
import { ImmediateClock } from '../testing/immediate-clock.js';
import { LocalProducer, type Answerer } from '../testing/local-producer.js';
import { OPERATION, SUCCEEDED } from '../testing/operation-example.js';
import { RecordedStream } from '../testing/recorded-stream.js';
import { follow } from './follow.js';

function event(name: string, operation: Operation): string {
  return `event: ${name}\nid: ${operation.status}\ndata: ${JSON.stringify(operation)}\n\n`;
}

describe('watching an operation', () => {
  let producer: LocalProducer | undefined;

  afterEach(async () => producer?.stop());

  async function watching(answer: Answerer) {
    producer = await LocalProducer.start(answer);
    const out = new RecordedStream();
    const err = new RecordedStream();
    const interruptions: (() => void)[] = [];
    const context: CommandContext = {
      env: {},
      terminal: { out, err },
      clock: new ManualClock(),
      workingDirectory: '.',
      onInterrupt: (listener) => void interruptions.push(listener),
      client: new ProducerClient(producer.url, { clock: new ImmediateClock(), random: () => 1 }),
    };
    return { context, out, err, interrupt: () => interruptions.forEach((listener) => listener()) };
  }

  it.each<[Operation['status'], Operation['state'], number]>([
    ['succeeded', { code: 'allSaved', text: 'all saved' }, 0],
    ['succeeded', { code: 'partlySaved', text: '7 of 9 saved, 2 dead-lettered' }, 0],
    ['succeeded', { code: 'noneSaved', text: 'none saved: 208 dead-lettered again' }, 1],
    ['failed', { code: 'failed', text: 'failed: No topic.' }, 1],
    ['cancelled', { code: 'allSaved', text: 'cancelled at 60 %, all of it saved' }, 3],
  ])('prints the final state of an operation that is %s, %j, with exit code %i', async (status, state, exitCode) => {
    const last = { ...SUCCEEDED, status, state };
    const { context, out, err } = await watching(
      (_, response) => void response.end(event('progress', OPERATION) + event('done', last)),
    );
    expect(await follow(context, OPERATION.id, {})).toBe(exitCode);
    expect(out.text).toMatch(new RegExp(`^state +${state.text}$`, 'm'));
    expect(err.lines.at(-1)).toMatch(/^1,000 of 1,000 saved/);
  });

  it('prints only JSON on standard output with --json', async () => {
    const { context, out } = await watching(
      (_, response) => void response.end(event('progress', OPERATION) + event('done', SUCCEEDED)),
    );
    expect(await follow(context, OPERATION.id, { json: true })).toBe(0);
    expect(JSON.parse(out.text)).toEqual(SUCCEEDED);
  });

  it('stops at Ctrl-C, pressed once or twice, and explains that the operation continues and how to cancel it', async () => {
    const started = Promise.withResolvers<void>();
    const { context, out, err, interrupt } = await watching(
      (_, response) => void response.write(event('progress', OPERATION), () => started.resolve()),
    );
    const exitCode = follow(context, OPERATION.id, { json: true });
    await started.promise;
    interrupt();
    interrupt();
    expect(await exitCode).toBe(130);
    expect(out.text).toBe('');
    expect(err.text).toContain('the operation continues');
    expect(err.text).toContain(`npm run orders -- cancel ${OPERATION.id}\n`);
    expect(producer?.arrivals.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('prints why an operation failed', async () => {
    const failed: Operation = { ...SUCCEEDED, status: 'failed', error: { code: 'topic-gone', message: 'No topic.' } };
    const { context, out } = await watching((_, response) => void response.end(event('done', failed)));
    expect(await follow(context, OPERATION.id, {})).toBe(1);
    expect(out.text).toMatch(/^error +No topic\. \(topic-gone\)$/m);
  });
});
