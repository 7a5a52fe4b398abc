import type { FacadeFailure } from '../../history/history.js';
import { reasonOf } from '../../load/api-response.js';
import type { FacadeAddress } from '../ground/migration-apps.js';

/** Longer than all waits of a facade: a request without an answer by then is a facade that hangs. */
const TIMEOUT_MS = 9_000;

export interface FacadeText {
  readonly status: number;
  readonly text: string;
}

/** Sends a request to a facade. @returns the answer, or the failure: a status of 500 or above, or none */
export async function requestFacade(
  { name, url }: FacadeAddress,
  path: string,
  body?: object,
): Promise<FacadeText | FacadeFailure> {
  const began = performance.now();
  const failure = (status: number | null, code: string | null, reason: string): FacadeFailure => {
    const what = body === undefined ? 'read' : 'write';
    const tookMs = Math.round(performance.now() - began);
    return { type: 'facade-failure', what, facade: name, status, code, reason, tookMs };
  };
  try {
    const response = await fetch(`${url}${path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const text = await response.text();
    return response.status < 500
      ? { status: response.status, text }
      : failure(response.status, codeIn(text), text.slice(0, 300));
  } catch (error) {
    return failure(null, null, reasonOf(error));
  }
}

function codeIn(text: string): string | null {
  try {
    const { code } = JSON.parse(text) as { readonly code?: unknown };
    return typeof code === 'string' ? code : null;
  } catch {
    // An error that is no JSON has no code.
    return null;
  }
}
