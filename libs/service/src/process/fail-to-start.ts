import { explainConnection } from '../availability/explain-connection.js';

/**
 * Ends the process with exit code 1 after a failed start. It prints one line for a connection that the settings must allow, the message
 * of errors with a `code`, and the stack of others.
 */
export function failToStart(error: unknown): never {
  process.stderr.write(`${explainConnection(error) ?? textOf(error)}\n`);
  process.exit(1);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.message : String(error.stack);
}
