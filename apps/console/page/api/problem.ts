/** What a service refused, or that none answered; `message` is for people. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
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

/** Problem details (RFC 9457) of an answer that is none of the good ones. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const details = await detailsOf(response);
  const fields = details.errors?.map(({ field, detail }) => `${field} ${detail}`).join('; ');
  const message = fields || details.detail || details.title || `The service answered ${response.status}.`;
  return new ApiProblem(response.status, details.code ?? 'unknown', message);
}

async function detailsOf(response: Response): Promise<ProblemDetails> {
  try {
    return (await response.json()) as ProblemDetails;
  } catch {
    // Of somebody in between, who knows nothing of problem details: the status says it.
    return {};
  }
}

/** What to tell a person of whatever went wrong. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
