/** A program that takes connections: how to start it, and how to find out that it serves. One per process. */
export interface ServerProgram {
  /** As shown to people, such as `Kafka`. */
  readonly name: string;
  readonly logFile: string;
  /** Anything to be done on disk before the process starts. May be called at every start. */
  prepare(): Promise<void>;
  command(): { file: string; args: readonly string[]; env?: NodeJS.ProcessEnv };
  /** Resolves when the server serves; rejects while it doesn't yet. A StackError fails the first start. Must bound its own time. */
  probe(): Promise<void>;
}
