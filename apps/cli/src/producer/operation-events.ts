import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Dispatcher } from 'undici';
import { backOffMs, pause } from '@orders-pipeline/clock';
import type { Operation } from '#api/producer.js';
import { timeLimit } from '#orders/time-limit.js';
import { CliError } from '../cli-error.js';
import { connectionCode, connectionError, jsonIn, problemError } from './connection.js';
import type { ProducerClient } from './producer-client.js';

const BACK_OFF = { initialMs: 250, maxMs: 5_000 };
/** The number of tries before the first event. */
const FIRST_TRIES = 4;
/** How long a broken stream is retried: a producer that restarts is back by then. */
const GIVE_UP_AFTER_MS = 5 * 60_000;
/** The producer sends a comment every 15 s, so a connection without data for 45 s is dead. */
const IDLE_TIMEOUT_MS = timeLimit(45_000);

/** A step of following an operation: its progress, or a broken connection that is retried. */
type Followed =
  | { readonly kind: 'operation'; readonly operation: Operation; readonly isDone: boolean }
  | { readonly kind: 'cut'; readonly reason: string };

/**
 * Reads the server-sent events of an operation until `done`. A broken stream is resumed with Last-Event-ID, so no event is yielded twice.
 * It is retried for up to 5 min.
 * @param signal ends the stream
 * @throws CliError if the operation does not exist, or the producer stays unavailable
 */
export async function* followOperation(
  client: ProducerClient,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<Followed> {
  const { clock, random } = client.timing;
  const stream = new ResumableEvents(client, id, signal);
  let lastEventAt: number | undefined;
  for (let failures = 0; !signal.aborted;) {
    let reason = 'the stream ended';
    try {
      for await (const followed of stream.read()) {
        failures = 0;
        lastEventAt = clock.now();
        yield followed;
        if (followed.isDone) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const isOver = lastEventAt === undefined ? failures >= FIRST_TRIES : clock.now() - lastEventAt > GIVE_UP_AFTER_MS;
      const cut = explainCut(client, error);
      if (isOver) throw cut.final;
      ({ reason } = cut);
    }
    yield { kind: 'cut', reason };
    // It only throws when it is aborted, which ends the loop.
    await pause(clock, backOffMs(BACK_OFF, Math.max(1, failures), random), signal).catch(() => undefined);
  }
}

/** Opens one stream after the other; each resumes after the last event of the previous one. */
class ResumableEvents {
  private lastEventId: string | undefined;

  constructor(
    private readonly client: ProducerClient,
    private readonly id: string,
    private readonly signal: AbortSignal,
  ) {}

  async *read(): AsyncGenerator<Extract<Followed, { kind: 'operation' }>> {
    const path = `${operationPath(this.id)}/events`;
    const response = await this.client.stream(path, {
      headers: {
        accept: 'text/event-stream',
        ...(this.lastEventId !== undefined && { 'last-event-id': this.lastEventId }),
      },
      signal: this.signal,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
    });
    if (response.statusCode === 204) {
      await response.body.dump();
      // No more events: the last one was received just before the connection broke, or only the stored operation has the final state.
      yield { kind: 'operation', operation: await this.client.get(operationPath(this.id)), isDone: true };
      return;
    }
    if (response.statusCode !== 200)
      throw problemError(response.statusCode, await response.body.text(), `GET ${this.client.url}${path}`);
    for await (const { event, id, data } of messagesOf(response)) {
      if (event !== 'progress' && event !== 'done') continue;
      const operation = operationIn(data);
      if (id !== undefined) this.lastEventId = id;
      yield { kind: 'operation', operation, isDone: event === 'done' };
    }
  }
}

async function* messagesOf({ body }: Dispatcher.ResponseData): AsyncGenerator<EventSourceMessage> {
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => void messages.push(message) });
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
    yield* messages.splice(0);
  }
}

function operationIn(data: string): Operation {
  const operation = jsonIn(data);
  if (typeof operation === 'object' && operation !== null && 'id' in operation) return operation as Operation;
  throw new CliError(
    'unexpected-answer',
    'An event of the operation does not have the expected form.',
    'Check that --url is the address of a producer of the same version.',
  );
}

/**
 * Returns why the stream broke, and the error if it can't be resumed in time.
 * @throws the error itself if a retry can't help
 */
function explainCut(client: ProducerClient, error: unknown): { readonly reason: string; readonly final: CliError } {
  // The producer starts, stops or has no database, or the token issuer is unavailable.
  if (error instanceof CliError && error.isTemporary) return { reason: error.message, final: error };
  const reason = connectionCode(error);
  if (reason === undefined) throw error;
  const remedy = 'The operation continues without being watched; try again.';
  return { reason, final: connectionError(client.url, error, remedy) };
}

/** Returns the path of an operation. */
export function operationPath(id: string): string {
  return `/v1/operations/${encodeURIComponent(id)}`;
}
