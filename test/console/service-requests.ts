import { expect } from '@jest/globals';
import type { TestSystem } from '../support/test-system.js';
import type { Answer } from '../support/tested-stack.js';

export type Service = 'producerUrl' | 'queryApiUrl' | 'consoleUrl';

export interface ProblemBody {
  readonly type: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { field: string }[];
}

export const JSON_TYPE = { 'content-type': 'application/json' };
/** The id of no operation and no order. */
export const UNKNOWN = '01935c9e-8a00-7000-8000-000000000001';

/** Checks the members that every problem must have. @returns its status, and the invalid fields that it names */
export function problemOf({ status, headers, body }: Answer<ProblemBody>): [number, string[]] {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(body).toMatchObject({
    status,
    type: expect.stringMatching(/^urn:orders:problem:/),
    detail: expect.any(String),
  });
  expect(JSON.stringify(body)).not.toMatch(/node_modules|at async|Mongo/);
  return [status, [...new Set((body.errors ?? []).map(({ field }) => field))]];
}

export async function answered(response: Response): Promise<Answer<ProblemBody>> {
  const { status, headers } = response;
  return { status, headers, body: (await response.json()) as ProblemBody };
}

/** Sends requests to the services of a pipeline. */
export class ServiceRequests {
  constructor(private readonly pipeline: () => TestSystem) {}

  async request(service: Service, path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.pipeline()[service]}${path}`, init);
  }

  /** Sends a body as it is, or as JSON. */
  async post(
    service: Service,
    path: string,
    body: unknown,
    headers: Record<string, string> = JSON_TYPE,
  ): Promise<Response> {
    const sent = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    return this.request(service, path, { method: 'POST', headers, body: sent });
  }
}
