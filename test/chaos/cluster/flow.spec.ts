import { once } from 'node:events';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Flow } from './flow.js';
import type { LinkState } from './link-state.js';

/** A stream with the socket methods that a flow uses. */
function end(): Socket & PassThrough {
  const stream = new PassThrough();
  return Object.assign(stream, { destroySoon: () => void stream.end() }) as unknown as Socket & PassThrough;
}

describe('one direction of a connection', () => {
  it('keeps the order of bytes when a slow link becomes fast again', async () => {
    const [from, to] = [end(), end()];
    let state: LinkState = { kind: 'slow', delayMs: 20 };
    const flow = new Flow(from, to, { state: () => state });
    let text = '';
    to.on('data', (bytes: Buffer) => (text += bytes.toString()));
    const send = async (bytes: string): Promise<void> => {
      const came = once(from, 'data');
      from.write(bytes);
      await came;
    };
    await send('a');
    state = { kind: 'open' };
    flow.pump();
    await send('b');
    expect(text).toBe('');
    from.end();
    await once(to, 'end');
    expect(text).toBe('ab');
  });

  it('pauses the sender while the link is silent', async () => {
    const [from, to] = [end(), end()];
    let state: LinkState = { kind: 'silent' };
    const flow = new Flow(from, to, { state: () => state });
    let sent = 0;
    while (!from.isPaused() && sent < 5_000) {
      const came = once(from, 'data');
      from.write('x');
      await came;
      sent += 1;
    }
    expect(sent).toBeLessThan(2_000);
    state = { kind: 'open' };
    flow.pump();
    expect(from.isPaused()).toBe(false);
  });
});
