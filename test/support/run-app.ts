import { execFile, type ChildProcess } from 'node:child_process';
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
  return startApp(app, env, ...args).ended;
}

/** As `runApp`, for an app that the spec ends. */
export function startApp(
  app: string,
  env: NodeJS.ProcessEnv,
  ...args: string[]
): { readonly process: ChildProcess; readonly ended: Promise<Run> } {
  const script = join(PROJECT_DIRECTORY, `dist/apps/${app}/src/main.js`);
  const options = { env: { PATH: process.env['PATH'], ...env }, maxBuffer: 2 ** 26 };
  const { promise: ended, resolve } = Promise.withResolvers<Run>();
  const child = execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
  });
  return { process: child, ended };
}
