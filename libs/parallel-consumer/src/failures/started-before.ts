/** A consumer was started a second time: it can be started once, also after it was stopped or its start has failed. */
export class StartedBeforeError extends Error {
  override readonly name = 'StartedBeforeError';
  readonly code = 'started-before';

  constructor() {
    super('this consumer was started or stopped before: create another one, with a broker of its own');
  }
}
