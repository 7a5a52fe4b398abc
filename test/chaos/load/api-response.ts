/** Longer than the services' own time limits. */
const TIMEOUT_MS = 20_000;

export interface JsonResponse<T> {
  readonly status: number;
  /** `undefined` if the body is not JSON. */
  readonly body: T | undefined;
}

/**
 * Sends a request on a connection of its own and parses the JSON response. `fetch` would keep the peak number of connections open, hundreds
 * after an election, and the check for leaks would blame the service.
 * @throws if no complete response arrives; the outcome of the request is then unknown
 */
export async function requestJson<T>(url: string, init: RequestInit = {}): Promise<JsonResponse<T>> {
  const headers = new Headers(init.headers);
  headers.set('Connection', 'close');
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { status: response.status, body: parseJson(await response.text()) as T | undefined };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A complete body that is not JSON is still a response for the caller to judge.
    return undefined;
  }
}

/** Formats an error in one line, with its cause: an error of `fetch` has its reason there. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
