import { anOperation } from '#orders/testing/an-operation.js';
import type { Operation } from '#api/producer.js';
import type { Answerer } from './local-producer.js';

export const OPERATION: Operation = anOperation();
export const SUCCEEDED: Operation = anOperation({
  status: 'succeeded',
  state: { code: 'allSaved', text: 'all saved' },
  acked: 1_000,
  saved: 1_000,
});

/** Formats one server-sent event with an operation. */
export function event(name: string, operation: Operation, id = name): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(operation)}\n\n`;
}

/** Sends these events, and ends the stream. */
export function events(...texts: readonly string[]): Answerer {
  return (_, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end(texts.join(''));
}

/** Sends these events, then breaks the connection. */
export function cutAfter(...texts: readonly string[]): Answerer {
  return (_, response) => response.writeHead(200).write(texts.join(''), () => response.socket?.destroy());
}
