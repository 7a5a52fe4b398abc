/** Long enough for whatever still answers; the services give up before. */
const PATIENCE_MS = 20_000;

export interface Asked<T> {
  readonly status: number;
  /** `undefined` where it was no JSON. */
  readonly body: T | undefined;
}

/**
 * Asks a service, on a connection of its own: `fetch` would keep as many as have ever waited at once, hundreds through an election, and the service would
 * be taken for what holds them. @throws when nothing, or no whole answer, comes: then nobody knows what came of it
 */
export async function ask<T>(url: string, init: RequestInit = {}): Promise<Asked<T>> {
  const headers = new Headers(init.headers);
  headers.set('Connection', 'close');
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  return { status: response.status, body: parsed(await response.text()) as T | undefined };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // It came whole, and is none: for whoever asked that is an answer.
    return undefined;
  }
}

/** In one line: what `fetch` throws has its reason inside. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
