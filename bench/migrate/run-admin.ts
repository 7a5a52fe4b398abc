import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

/** Runs a command of `npm run admin`. @returns its seconds. @throws Error unless its exit code is 0 */
export async function runAdmin(
  args: readonly string[],
  servers: NodeJS.ProcessEnv,
  print: (line: string) => void,
): Promise<number> {
  const script = join(PROJECT_DIRECTORY, 'dist', 'apps', 'admin', 'src', 'main.js');
  const startedAt = performance.now();
  const env = { ...process.env, ...servers };
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface(child.stdout).on('line', (line) => print(`  ${line}`));
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}`);
  return (performance.now() - startedAt) / 1_000;
}
