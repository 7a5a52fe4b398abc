import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Dispatcher } from 'undici';
import { backOffMs } from '#parallel-consumer/back-off.js';
import type { Clock } from '#parallel-consumer/clock.js';
import { CliError } from '../cli-error.js';
import { connectionCode, connectionError } from './connection-failure.js';
import { OperationSchema, type Operation } from './operation.js';
import { operationById, operationPath } from './operation-requests.js';
import { problemError } from './problem-details.js';
import type { ProducerClient } from './producer-client.js';

const BACK_OFF = { initialMs: 250, maxMs: 5_000 };
/** How often a stream that never began is asked for. */
const FIRST_TRIES = 4;
/** How long one that was cut is asked for again: a producer that restarts is back by then. */
const GIVE_UP_AFTER_MS = 5 * 60_000;
/** The producer sends a comment every 15 s: silent for longer than two of them, the connection is dead. */
const SILENT_FOR_MS = 45_000;

/** What following an operation tells: how far it is, or that the connection is gone and is asked for again. */
export type Followed =
  | { readonly kind: 'operation'; readonly operation: Operation; readonly isDone: boolean }
  | { readonly kind: 'cut'; readonly reason: string };

/**
 * An operation's server-sent events until `done`. A stream that is cut is asked for again with its Last-Event-ID, so nothing is told
 * twice, for five minutes at the most.
 * @param signal ends it
 * @throws CliError for an operation that isn't there, and when nobody answers any more
 */
export async function* followOperation(
  client: ProducerClient,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<Followed> {
  const { clock, random } = client.timing;
  const stream = new ResumableEvents(client, id, signal);
  let heardAt: number | undefined;
  for (let failures = 0; !signal.aborted;) {
    let reason = 'the stream ended';
    try {
      for await (const followed of stream.read()) {
        failures = 0;
        heardAt = clock.now();
        yield followed;
        if (followed.isDone) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const isOver = heardAt === undefined ? failures >= FIRST_TRIES : clock.now() - heardAt > GIVE_UP_AFTER_MS;
      reason = causeOfCut(error);
      if (isOver) throw givenUp(client, error);
    }
    yield { kind: 'cut', reason };
    await abortablePause(clock, backOffMs(BACK_OFF, Math.max(1, failures), random), signal);
  }
}

/** One stream after the other, each beginning where the one before was cut. */
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
      silentForMs: SILENT_FOR_MS,
    });
    if (response.statusCode === 204) {
      await response.body.dump();
      // Nothing more to come: its end was told just before the cut, or nobody knows it but the operation itself.
      yield { kind: 'operation', operation: await operationById(this.client, this.id), isDone: true };
      return;
    }
    if (response.statusCode !== 200) await refuse(response, `GET ${this.client.url}${path}`);
    for await (const { event, id, data } of messagesOf(response)) {
      if (event !== 'progress' && event !== 'done') continue;
      const operation = operationIn(data);
      if (id !== undefined) this.lastEventId = id;
      yield { kind: 'operation', operation, isDone: event === 'done' };
    }
  }
}

/** A service that is starting, stopping or without its database: the stream is asked for again. */
class Unavailable extends Error {
  constructor(readonly problem: CliError) {
    super(problem.message);
  }
}

async function refuse({ statusCode, body }: Dispatcher.ResponseData, asked: string): Promise<never> {
  const problem = problemError(statusCode, await body.text(), asked);
  throw statusCode >= 500 ? new Unavailable(problem) : problem;
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
  try {
    return OperationSchema.parse(JSON.parse(data));
  } catch (error) {
    throw new CliError(
      'unexpected-answer',
      'An event of the operation is not what this command line can read.',
      'Is it the producer, and of the same version? --url names it.',
      { cause: error },
    );
  }
}

/** What lasts for a while only, though no connection to the producer failed: also an issuer that should renew the token. */
function awayProblem(error: unknown): CliError | undefined {
  if (error instanceof Unavailable) return error.problem;
  return error instanceof CliError && error.code === 'issuer-away' ? error : undefined;
}

/** @throws the error itself, where asking again is of no use */
function causeOfCut(error: unknown): string {
  const away = awayProblem(error);
  if (away !== undefined) return away.message;
  const code = connectionCode(error);
  if (code === undefined) throw error;
  return code;
}

function givenUp(client: ProducerClient, error: unknown): CliError {
  return (
    awayProblem(error) ?? connectionError(client.url, error, 'The operation goes on without being watched; try again.')
  );
}

async function abortablePause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    const onAbort = (): void => {
      cancel();
      resolve();
    };
    const cancel = clock.after(milliseconds, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
