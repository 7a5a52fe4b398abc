import { createParser } from 'eventsource-parser';
import type { Client } from './client.js';
import { ApiProblem } from './problem.js';

export interface StreamListener {
  /** One event's data. */
  readonly data: (text: string) => void;
  /** The stream runs, or it is broken and tried again. */
  readonly connected: (isConnected: boolean) => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;
/** A stream that tells something every second, and has been silent for so long, is dead, whatever the connection says. */
const SILENT_MS = 6_000;

/**
 * Follows server-sent events until the signal. By `fetch`, since an `EventSource` can't send a token. A stream that breaks or falls silent is
 * begun anew, without end.
 */
export async function followEvents(
  client: Client,
  path: string,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      await readOnce(client, path, signal, (text) => {
        pause = FIRST_PAUSE_MS;
        listener.connected(true);
        listener.data(text);
      });
    } catch (error) {
      // Asking again helps nobody: the token is a good one, and does not allow it.
      if (error instanceof ApiProblem && error.status === 403) client.session.refused(error.message);
      // Whatever else broke it: the page says that it is cut off, and tries again.
    }
    if (signal.aborted) return;
    listener.connected(false);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
  }
}

async function readOnce(
  client: Client,
  path: string,
  signal: AbortSignal,
  onData: (text: string) => void,
): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENT_MS);
  try {
    const response = await client.ask(path, { signal: AbortSignal.any([signal, silence.signal]) });
    const parser = createParser({ onEvent: ({ data }) => onData(data) });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENT_MS);
      parser.feed(part.value);
    }
  } finally {
    clearTimeout(timer);
  }
}
