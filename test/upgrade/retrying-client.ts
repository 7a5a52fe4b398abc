import { betweenTries } from '../support/eventually.js';
import type { Answer } from '../support/tested-stack.js';

const PAUSE_MS = 200;

/** Counts the requests of all clients, and how those failed that a later try cured. */
export class RequestLog {
  requests = 0;
  private readonly failures = new Map<string, number>();

  noteFailure(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }

  /** The number of failed tries. */
  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0);
  }

  get summary(): string {
    const kinds = [...this.failures].map(([what, count]) => `${count} × ${what}`).toSorted();
    return `${this.requests} requests, ${this.failed} failed tries, all cured${kinds.length === 0 ? '' : `: ${kinds.join(', ')}`}`;
  }
}

/** A client as behind a balancer: it repeats a request that failed in a way that promises nothing, at the next instance. */
export class RetryingClient {
  private turn = 0;

  /** @param urls returns the addresses of all instances of a service */
  constructor(
    private readonly service: string,
    private readonly urls: () => readonly string[],
    private readonly log: RequestLog,
  ) {}

  async get<T>(path: string): Promise<Answer<T>> {
    return this.request<T>(path, () => ({}));
  }

  async post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<Answer<T>> {
    return this.request<T>(path, () => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }));
  }

  /**
   * Sends a request until it is answered otherwise than by 429, 502, 503 or 504.
   * @param init is called for each try: the body of a form can be read only once
   */
  async request<T>(path: string, init: () => RequestInit): Promise<Answer<T>> {
    this.log.requests += 1;
    for (;;) {
      const answer = await this.attempt<T>(path, init());
      if (typeof answer === 'object') return answer;
      this.log.noteFailure(`${this.service} ${answer}`);
      await betweenTries(PAUSE_MS);
    }
  }

  /** @returns the answer, or how the try failed */
  private async attempt<T>(path: string, init: RequestInit): Promise<Answer<T> | string> {
    const urls = this.urls();
    const url = urls[this.turn++ % urls.length] ?? '';
    try {
      const response = await fetch(`${url}${path}`, init);
      const text = await response.text();
      if ([429, 502, 503, 504].includes(response.status)) return `${response.status} ${codeIn(text)}`;
      const body = (text === '' ? undefined : JSON.parse(text)) as T;
      return { status: response.status, headers: response.headers, body };
    } catch (error) {
      const { cause } = error as { readonly cause?: { readonly code?: string } };
      return cause?.code ?? (error instanceof Error ? error.name : String(error));
    }
  }
}

function codeIn(problem: string): string {
  return /"code":"([\w-]+)"/.exec(problem)?.[1] ?? '';
}
