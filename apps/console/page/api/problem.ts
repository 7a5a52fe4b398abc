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
export async function toApiProblem(response: Response): Promise<ApiProblem> {
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

/** Returns whether a service answered that the thing does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 404;
}

/** Returns the text to show to the user for an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
