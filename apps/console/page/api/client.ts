import { ApiProblem, toApiProblem } from './problem.js';
import type { Session } from './session.js';

const GET_TIMEOUT_MS = 5_000;

/** Sends requests to the page's own origin, with the token of the session if there is one. */
export class Client {
  /** @param getTimeoutMs timeout of `get`, which is used for polling */
  constructor(
    readonly session: Session,
    private readonly getTimeoutMs = GET_TIMEOUT_MS,
  ) {}

  /** Reads JSON. @throws ApiProblem, also after the timeout */
  async get<T>(path: string): Promise<T> {
    try {
      return await readJson<T>(await this.request(path, { signal: AbortSignal.timeout(this.getTimeoutMs) }));
    } catch (error) {
      throw isTimeout(error) ? noAnswer() : error;
    }
  }

  /** Posts JSON and reads the JSON answer. @throws ApiProblem */
  async post<T>(path: string, body: object = {}, headers: Record<string, string> = {}): Promise<T> {
    const response = await this.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return readJson<T>(response);
  }

  /** Returns a successful response whose body is not read yet. @throws ApiProblem */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    const { token } = this.session;
    if (token !== null) headers.set('authorization', `Bearer ${token}`);
    const response = await this.send(path, { ...init, headers });
    if (response.ok) return response;
    const problem = await toApiProblem(response);
    // Without a token, the answer says only that one is required.
    if (problem.status === 401) this.session.signOut(token === null ? null : `${problem.message} Sign in again.`);
    throw problem;
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(path, init);
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw noAnswer();
    }
  }
}

async function readJson<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isTimeout(error)) throw error;
    throw new ApiProblem(0, 'cut-answer', 'The answer broke off in the middle.');
  }
}

function noAnswer(): ApiProblem {
  return new ApiProblem(0, 'no-answer', 'The console does not answer.');
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
