import type { ServerResponse } from 'node:http';
import type { Operation } from '../producer/producer-api.js';

/** Starts a response of server-sent events. */
export function streamOf(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
}

/** Formats one event with an operation. */
export function event(name: string, id: string, operation: Operation): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(operation)}\n\n`;
}

/** Sends the text, then breaks the connection. */
export function cutAfter(response: ServerResponse, text: string): void {
  streamOf(response).write(text, () => response.socket?.destroy());
}
