import { createParser } from 'eventsource-parser';
import type { Client } from './client.js';
import { ApiProblem } from './problem.js';

export interface StreamListener {
  /** Receives the data of each `pipeline` event. */
  readonly data: (text: string) => void;
  /** Reports `true` with the first event of each connection, and `false` when it breaks or can't be established; it is retried. */
  readonly connected: (isConnected: boolean) => void;
}

const INITIAL_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 5_000;
/** The server sends an event every second. After this silence the stream counts as broken, even if the connection is open. */
const SILENCE_TIMEOUT_MS = 6_000;

/**
 * Follows server-sent events until the signal aborts. Uses `fetch`, because an `EventSource` cannot send a token. Reconnects without limit
 * when the stream breaks or falls silent, with exponential back-off from 0.5 s to 5 s.
 */
export async function followEvents(
  client: Client,
  path: string,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<void> {
  let backOff = INITIAL_BACKOFF_MS;
  while (!signal.aborted) {
    try {
      let isFirst = true;
      await readOnce(client, path, signal, (text) => {
        backOff = INITIAL_BACKOFF_MS;
        if (isFirst) listener.connected(true);
        isFirst = false;
        listener.data(text);
      });
    } catch (error) {
      // The token is valid but lacks the scope: a retry cannot succeed.
      if (error instanceof ApiProblem && error.status === 403) client.session.signOut(error.message);
      // After any other error the page shows that it is not connected, and the loop retries.
    }
    if (signal.aborted) return;
    listener.connected(false);
    await new Promise((resolve) => setTimeout(resolve, backOff));
    backOff = Math.min(MAX_BACKOFF_MS, backOff * 2);
  }
}

async function readOnce(
  client: Client,
  path: string,
  signal: AbortSignal,
  onData: (text: string) => void,
): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_TIMEOUT_MS);
  try {
    const response = await client.request(path, { signal: AbortSignal.any([signal, silence.signal]) });
    const parser = createParser({ onEvent: ({ event, data }) => event === 'pipeline' && onData(data) });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_TIMEOUT_MS);
      parser.feed(part.value);
    }
  } finally {
    clearTimeout(timer);
  }
}
