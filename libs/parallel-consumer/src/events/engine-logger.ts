/** Receives the engine's log messages. A pino logger satisfies this interface. */
export interface EngineLogger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
