import { ApiProblem, problemOf } from './problem.js';
import type { Session } from './session.js';

const PATIENCE_MS = 5_000;

/** The page's own origin, asked with the caller's token where there is one. */
export class Client {
  /** @param patienceMs how long what is looked at again and again may take */
  constructor(
    readonly session: Session,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** @throws ApiProblem, also for an answer that takes too long */
  async get<T>(path: string): Promise<T> {
    try {
      return (await (await this.ask(path, { signal: AbortSignal.timeout(this.patienceMs) })).json()) as T;
    } catch (error) {
      throw isTimeout(error) ? noAnswer() : error;
    }
  }

  /** @throws ApiProblem */
  async post<T>(path: string, body: object = {}, headers: Record<string, string> = {}): Promise<T> {
    const response = await this.ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return (await response.json()) as T;
  }

  /** An answer that is a good one, not read yet. @throws ApiProblem */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    const { token } = this.session;
    if (token !== null) headers.set('authorization', `Bearer ${token}`);
    const response = await this.fetched(path, { ...init, headers });
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (problem.status === 401) this.session.refused();
    throw problem;
  }

  private async fetched(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(path, init);
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw noAnswer();
    }
  }
}

function noAnswer(): ApiProblem {
  return new ApiProblem(0, 'no-answer', 'The console does not answer.');
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
