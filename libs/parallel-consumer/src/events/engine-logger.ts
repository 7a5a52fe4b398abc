/** Receives the engine's log messages. A pino logger satisfies this interface. */
export interface EngineLogger {
  /** Logs the retries for which there is no warning, and errors that brokers answer with. Optional. */
  debug?(details: object, message: string): void;
  /** Logs normal operation: assignments, rebalances, stops. */
  info(details: object, message: string): void;
  /** Logs what needs attention and passes by itself, or delays records. */
  warn(details: object, message: string): void;
  /** Logs what stops a partition or the consumer, or hides a failure. */
  error(details: object, message: string): void;
}
