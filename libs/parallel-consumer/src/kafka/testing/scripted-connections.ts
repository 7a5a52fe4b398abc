import type { KafkaConnections } from '../kafka-connections.js';
import type { KafkaApi } from '../../protocol/kafka-api.js';

/** A recorded request. */
export interface MadeRequest {
  readonly api: string;
  /** Node id; -1: any node. */
  readonly node: number;
  readonly request: unknown;
}

/** Connections with scripted answers per API name. An answer that is an Error is thrown. */
export class ScriptedConnections implements KafkaConnections {
  readonly requests: MadeRequest[] = [];
  isClosed = false;
  private readonly answers = new Map<string, ((request: never, node: number) => unknown)[]>();

  /** Sets the answers to requests of this API, in order; the last answer repeats. */
  answer<Request, Response>(
    api: KafkaApi<Request, Response>,
    ...answers: ((request: Request, node: number) => Response | Error | Promise<Response>)[]
  ): this {
    this.answers.set(api.name, [...answers]);
    return this;
  }

  /** Returns the requests of this API so far. */
  made<Request>(api: KafkaApi<Request, unknown>): Request[] {
    return this.requests.filter(({ api: name }) => name === api.name).map(({ request }) => request as Request);
  }

  async connect(): Promise<void> {
    return undefined;
  }

  async request<Request, Response>(
    node: number,
    api: KafkaApi<Request, Response>,
    request: Request,
  ): Promise<Response> {
    this.requests.push({ api: api.name, node, request });
    const answers = this.answers.get(api.name) ?? [];
    const [answer] = answers.length > 1 ? answers.splice(0, 1) : answers;
    if (answer === undefined) throw new Error(`no scripted answer for ${api.name}`);
    const response = (await answer(request as never, node)) as Response | Error;
    if (response instanceof Error) throw response;
    return response;
  }

  async requestAny<Request, Response>(api: KafkaApi<Request, Response>, request: Request): Promise<Response> {
    return this.request(-1, api, request);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
