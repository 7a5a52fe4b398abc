import { initialState, Task, TaskStatus } from '@lit/task';
import { html, nothing, type ReactiveControllerHost, type TemplateResult } from 'lit';
import { messageOf } from './client.js';

type Work<Answer> = () => Promise<Answer | typeof initialState>;

/**
 * The request that an element has sent last: whether it runs, its answer, and why it failed. An error is shown until the next request begins,
 * so that a screen reader announces it again when that one fails too. The outcome of an earlier request is not shown.
 */
export class RequestState<Answer = unknown> {
  private readonly task: Task<readonly [Work<Answer>], Answer>;

  /** @param textOf returns what is shown for an error */
  constructor(
    host: ReactiveControllerHost,
    private readonly textOf: (error: unknown) => string = messageOf,
  ) {
    this.task = new Task(host, { autoRun: false, task: async ([work]) => work() });
  }

  get isRunning(): boolean {
    return this.task.status === TaskStatus.PENDING;
  }

  get hasFailed(): boolean {
    return this.task.status === TaskStatus.ERROR;
  }

  /** `undefined` while a request runs, and unless the last one has succeeded. */
  get answer(): Answer | undefined {
    return this.task.status === TaskStatus.COMPLETE ? this.task.value : undefined;
  }

  /** Sends the request. Resolves when it has ended, also by an error. */
  async run(work: Work<Answer>): Promise<void> {
    await this.task.run([work]);
  }

  /** Drops the outcome, also that of a request that runs. */
  forget(): void {
    void this.run(async () => Promise.resolve(initialState));
  }

  failureView(): TemplateResult | typeof nothing {
    return this.hasFailed ? alertView(this.textOf(this.task.error)) : nothing;
  }
}

/** Shows why something failed, and announces it. @param text `null`: nothing has failed */
export function alertView(text: string | null): TemplateResult | typeof nothing {
  return text === null ? nothing : html`<p role="alert" class="bad">${text}</p>`;
}
