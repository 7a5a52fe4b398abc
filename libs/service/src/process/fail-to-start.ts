/** Ends the process with exit code 1 after a failed start. It prints the message of errors with a `code`, the stack of others. */
export function failToStart(error: unknown): never {
  const explained = error instanceof Error && 'code' in error && typeof error.code === 'string';
  process.stderr.write(`${explained ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
