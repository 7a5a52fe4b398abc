import { HttpStatus } from '@nestjs/common';
import { Agent, fetch, type Response } from 'undici';
import { Problem } from '#service/http/problem.js';
import { timeLimit } from '#orders/time-limit.js';

/** Docker 20.10, the first that has jobs and the number of running tasks. */
const API = 'http://docker/v1.41';
const WITHIN_MS = timeLimit(10_000);

/** The API of a Docker engine, by its socket. */
export class DockerEngine {
  private readonly dispatcher: Agent;

  /** @param socket the path of the engine's socket */
  constructor(private readonly socket: string) {
    this.dispatcher = new Agent({ connect: { socketPath: socket } });
  }

  /** Returns the parsed response. @throws Problem 503 `docker-away`, or 502 `docker-refuses` with the engine's reason */
  async get(path: string): Promise<unknown> {
    return this.parse(await this.send(path, { method: 'GET' }));
  }

  /** Sends a JSON body. @returns the parsed response. @throws as `get` */
  async post(path: string, body: unknown): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    return this.parse(await this.send(path, { method: 'POST', headers, body: JSON.stringify(body) }));
  }

  async close(): Promise<void> {
    await this.dispatcher.close();
  }

  private async send(
    path: string,
    init: { method: string; headers?: Record<string, string>; body?: string },
  ): Promise<Response> {
    try {
      return await fetch(`${API}${path}`, {
        ...init,
        dispatcher: this.dispatcher,
        signal: AbortSignal.timeout(WITHIN_MS),
      });
    } catch (cause) {
      const problem = new Problem(
        HttpStatus.SERVICE_UNAVAILABLE,
        'docker-away',
        `The Docker engine does not answer at ${this.socket}.`,
        {},
        { 'Retry-After': '5' },
      );
      problem.cause = cause;
      throw problem;
    }
  }

  private async parse(response: Response): Promise<unknown> {
    const text = await response.text();
    if (response.ok) return text === '' ? undefined : JSON.parse(text);
    throw new Problem(
      HttpStatus.BAD_GATEWAY,
      'docker-refuses',
      `The Docker engine answers ${response.status}: ${text.slice(0, 300).trim()}`,
    );
  }
}
