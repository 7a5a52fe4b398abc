import { TestSystem } from './test-system.js';
import type { TestedStack } from './tested-stack.js';
import { TestIssuer } from './test-issuer.js';

interface Refusal {
  readonly status: number;
  readonly challenge: string | null;
  readonly code: string;
  readonly detail: string;
}

/** A stack that requires tokens, and their issuer. */
export class GuardedStack {
  private constructor(
    readonly issuer: TestIssuer,
    readonly pipeline: TestSystem,
  ) {}

  static async start(settings: NodeJS.ProcessEnv): Promise<GuardedStack> {
    const issuer = await TestIssuer.start();
    const env = { AUTH_ISSUER: issuer.url, ...settings };
    return new GuardedStack(issuer, await TestSystem.start({ env, flags: ['--save-ms', '0..1'] }));
  }

  async end(): Promise<void> {
    await this.pipeline.stop();
    await this.issuer.stop();
  }

  get urls(): Pick<TestedStack, 'producerUrl' | 'queryApiUrl' | 'consoleUrl'> {
    return this.pipeline;
  }

  /** Sends a request to the service that has the path. */
  async request(path: string, token: string | undefined, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has('content-type')) headers.set('content-type', 'application/json');
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    return fetch(`${this.serviceOf(path, init.method)}${path}`, { ...init, headers });
  }

  /** Sends a request that must be refused, with problem details that reveal nothing. */
  async refusal(path: string, token: string | undefined, init?: RequestInit): Promise<Refusal> {
    const response = await this.request(path, token, init);
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    if (!type.startsWith('application/problem+json') || /node_modules|jose|    at /.test(text))
      throw new Error(`${path} has no proper problem details: ${response.status} ${type} ${text}`);
    const { code, detail } = JSON.parse(text) as Pick<Refusal, 'code' | 'detail'>;
    return { status: response.status, challenge: response.headers.get('www-authenticate'), code, detail };
  }

  /** Reads, or posts a body. @throws Error unless the status is 2xx */
  async json<T>(path: string, token: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await this.request(path, token, { ...init, headers });
    if (!response.ok) throw new Error(`${path} responded with ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** @returns the id of the operation */
  async populate(token: string, body: object = { count: 10 }, headers: Record<string, string> = {}): Promise<string> {
    return (await this.json<{ id: string }>('/v1/populate', token, body, headers)).id;
  }

  /** Waits until the ten orders of a populate are saved. */
  async savedBy(id: string, token: string): Promise<void> {
    while ((await this.json<{ saved: number }>(`/v1/operations/${id}`, token)).saved !== 10);
  }

  private serviceOf(path: string, method = 'GET'): string {
    const { queryApiUrl, consoleUrl, producerUrl } = this.urls;
    if (path.startsWith('/v1/pipeline')) return consoleUrl;
    if (path === '/v1/orders' && method === 'POST') return producerUrl;
    return /^\/v1\/(orders|audit)/.test(path) ? queryApiUrl : producerUrl;
  }
}
