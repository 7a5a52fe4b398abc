/** Stable codes of the failures that prevent a run or end it. */
type ComposeTestErrorCode =
  | 'not-root'
  | 'not-debian'
  | 'unsupported-platform'
  | 'client-missing'
  | 'engine-failed'
  | 'command-failed'
  | 'not-in-time'
  | 'wrong-answer'
  | 'not-removed';

/** A failure with a message for the user: what happened and, if known, what to do. */
export class ComposeTestError extends Error {
  override readonly name = 'ComposeTestError';

  constructor(
    readonly code: ComposeTestErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Throws `wrong-answer` with the expectation unless it holds. */
export function expect(holds: boolean, expectation: string): asserts holds {
  if (!holds) throw new ComposeTestError('wrong-answer', expectation);
}
