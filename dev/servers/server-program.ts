/** A server program: how to start it, and how to check that it is ready. One per process. */
export interface ServerProgram {
  /** The displayed name, such as `Kafka`. */
  readonly name: string;
  readonly logFile: string;
  /** Prepares the disk before the process starts. Called at every start. */
  prepare(): Promise<void>;
  command(): { file: string; args: readonly string[]; env?: NodeJS.ProcessEnv };
  /** Resolves when the server is ready; rejects before that. A StackError fails the first start. Must limit its own duration. */
  probe(): Promise<void>;
}
