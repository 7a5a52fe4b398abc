import { TestSystem } from '../support/test-system.js';
import { TestIssuer } from '../support/test-issuer.js';

export interface Refusal {
  readonly status: number;
  readonly challenge: string | null;
  readonly body: { readonly code: string; readonly detail: string };
}

export const POPULATE = { method: 'POST', body: '{"count": 10}' };

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
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: JSON.parse(text) as Refusal['body'],
    };
  }

  /** Waits until the ten orders of a populate are saved. */
  async savedBy(id: string, token: string): Promise<void> {
    for (;;) {
      const { saved } = (await (await this.request(`/v1/operations/${id}`, token)).json()) as { saved: number };
      if (saved === 10) return;
    }
  }

  private serviceOf(path: string, method = 'GET'): string {
    const { queryApiUrl, consoleUrl, producerUrl } = this.pipeline;
    if (path.startsWith('/v1/pipeline')) return consoleUrl;
    if (path === '/v1/orders' && method === 'POST') return producerUrl;
    return /^\/v1\/(orders|audit)/.test(path) ? queryApiUrl : producerUrl;
  }
}
