import { spawn } from 'node:child_process';

/** Exit code and whole output of a command. */
export interface CommandEnd {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a command until it exits. @param input its standard input */
export async function runCommand(command: string, args: readonly string[], input = ''): Promise<CommandEnd> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve).once('error', reject);
  });
  return { code, output };
}
