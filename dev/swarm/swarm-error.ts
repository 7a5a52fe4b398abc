/** Stable codes of what keeps a swarm from being deployed. */
export type SwarmProblemCode =
  | 'no-engine'
  | 'engine-too-old'
  | 'no-swarm'
  | 'not-a-manager'
  | 'no-overlay-networks'
  | 'missing-label'
  | 'label-on-several-nodes'
  | 'node-not-ready'
  | 'missing-setting'
  | 'missing-image'
  | 'dev-issuer'
  | 'missing-secret'
  | 'certificate-expired'
  | 'bad-client-keys'
  | 'port-in-use'
  | 'no-room'
  | 'not-deployed'
  | 'rolled-back'
  | 'not-healthy'
  | 'job-failed'
  | 'bad-argument'
  | 'docker-failed';

/** One thing that is wrong, and what to do about it. */
export interface SwarmProblem {
  readonly code: SwarmProblemCode;
  readonly text: string;
}

/** Thrown for everything that an operator can correct. Its message has a line for each problem, with its code. */
export class SwarmError extends Error {
  override readonly name = 'SwarmError';

  constructor(
    readonly problems: readonly SwarmProblem[],
    options?: ErrorOptions,
  ) {
    super(problems.map(({ code, text }) => `${code}: ${text}`).join('\n'), options);
  }

  static of(code: SwarmProblemCode, text: string, options?: ErrorOptions): SwarmError {
    return new SwarmError([{ code, text }], options);
  }
}
