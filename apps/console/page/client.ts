/** An error answer of a service, or the lack of an answer. `message` is shown to the user. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** What the answer says besides, such as the `gate` of a refused change. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

interface ProblemDetails {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly errors?: readonly { readonly field: string; readonly detail: string }[];
}

/** Converts an error response with problem details (RFC 9457). */
async function toApiProblem(response: Response): Promise<ApiProblem> {
  const details = await readDetails(response);
  const fields = details.errors?.map(({ field, detail }) => `${field} ${detail}`).join('; ');
  const message = fields || details.detail || details.title || `The service answered ${response.status}.`;
  return new ApiProblem(response.status, details.code ?? 'unknown', message, { ...details });
}

async function readDetails(response: Response): Promise<ProblemDetails> {
  try {
    return (await response.json()) as ProblemDetails;
  } catch {
    // A proxy in between may answer without problem details: the status is enough.
    return {};
  }
}

/** Returns whether a service answered that the thing does not exist. An archived order exists: the message says in which archive. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 404 && error.code !== 'order-archived';
}

/** Returns the text to show to the user for an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const TOKEN = 'orders-token';

/** Holds the token that the page sends, in the session storage of the tab. */
export class Session extends EventTarget {
  /** The services require a token, and there is no valid one. */
  isNeeded = false;
  /** Why the last token was rejected, if the user should know. */
  reason: string | null = null;

  constructor(
    private readonly storage: Storage,
    private readonly location: Location,
    private readonly history: History,
  ) {
    super();
  }

  get token(): string | null {
    return this.storage.getItem(TOKEN);
  }

  /** The redirect URI of a login. */
  get redirectUri(): string {
    return `${this.location.origin}/`;
  }

  take(token: string): void {
    this.storage.setItem(TOKEN, token.trim());
    this.isNeeded = false;
    this.reason = null;
    this.changed();
  }

  /** Drops the token: a service rejected it, it is missing, or the user signs out. */
  signOut(reason: string | null = null): void {
    this.storage.removeItem(TOKEN);
    this.isNeeded = true;
    this.reason = reason;
    this.changed();
  }

  /** Stores a value across a login, which leaves the page. */
  remember(name: string, value: string): void {
    this.storage.setItem(`login-${name}`, value);
  }

  /** Returns and deletes a remembered value. */
  recall(name: string): string | null {
    const value = this.storage.getItem(`login-${name}`);
    this.storage.removeItem(`login-${name}`);
    return value;
  }

  /** Whether a login has redirected back with its result in the URL. */
  get isReturning(): boolean {
    const parameters = new URLSearchParams(this.location.search);
    return parameters.has('state') && (parameters.has('code') || parameters.has('error'));
  }

  /** Returns the URL with the result of the login and removes that result from the address bar. */
  takeReturnUrl(): URL {
    const url = new URL(this.location.href);
    this.history.replaceState(null, '', this.redirectUri);
    return url;
  }

  private changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}

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
