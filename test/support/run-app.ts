import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

/** How an app ended. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an app of dist/, such as `admin`, until it ends. @param env its environment besides the PATH */
export async function runApp(app: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<Run> {
  const script = join(PROJECT_DIRECTORY, `dist/apps/${app}/src/main.js`);
  const options = { env: { PATH: process.env['PATH'], ...env }, maxBuffer: 2 ** 26 };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}
