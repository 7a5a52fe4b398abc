import { fork, type ChildProcess } from 'node:child_process';

/** Result of a spec file, with its first failed case, or the reason why the file could not run. */
export interface SpecResult {
  readonly slowestMs: number;
  readonly failed?: string;
  readonly broken?: string;
}

/** What `run-specs.mjs` and `mutant-environment.mjs` send. */
type Message =
  | { readonly started: string }
  | { readonly isIdle: true }
  | { readonly result: SpecResult; readonly isReusable: boolean };

/** Runs spec files one after another in a child process, which is replaced when a spec hangs, crashes or leaves something behind. */
export class SpecProcess {
  private child: ChildProcess | undefined;

  constructor(
    private readonly script: string,
    private readonly directory: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /**
   * Runs a spec file up to its first failure. A case that hangs is a failure.
   * @param caseMs a case that takes longer hangs, in ms
   */
  async run(spec: string, caseMs: number): Promise<SpecResult> {
    this.child ??= this.start();
    const { child } = this;
    const { promise, resolve } = Promise.withResolvers<Extract<Message, { result: SpecResult }>>();
    let running = spec;
    const fail = (how: string): void =>
      resolve({ result: { slowestMs: 0, failed: `${running} (${how})` }, isReusable: false });
    const limit = setTimeout(fail, caseMs, 'hangs');
    const onMessage = (message: Message): void => {
      limit.refresh();
      if ('started' in message) running = message.started;
      else if ('isIdle' in message) fail('hangs');
      else resolve(message);
    };
    const onExit = (): void => fail('crashes');
    child.on('message', onMessage).once('exit', onExit);
    child.send(spec);
    const { result, isReusable } = await promise;
    clearTimeout(limit);
    child.off('message', onMessage).off('exit', onExit);
    if (!isReusable) this.end();
    return result;
  }

  end(): void {
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }

  private start(): ChildProcess {
    return fork(this.script, {
      cwd: this.directory,
      env: this.env,
      execArgv: ['--max-old-space-size=2048', '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
      stdio: 'ignore',
    });
  }
}
