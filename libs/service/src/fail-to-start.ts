/** Ends the process when it couldn't start, with a message that says why and no stack where the message says it all. */
export function failToStart(error: unknown): never {
  const explained = error instanceof Error && 'code' in error && typeof error.code === 'string';
  process.stderr.write(`${explained ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
