import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PROJECT_DIRECTORY } from '../project-directory.js';

/**
 * Compiles on every change of a source file, as the ordinary build does, and tells of each that went through.
 * What doesn't compile is printed, and the apps go on with the code they have. This supervisor itself isn't reloaded.
 */
export class SourceWatch {
  /** Resolves after the first compilation, whether there were errors or not. */
  readonly firstBuild: Promise<void>;
  private readonly compiler: ChildProcess;

  constructor(onBuilt: () => void, print: (line: string) => void) {
    const compiler = join(PROJECT_DIRECTORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const project = join(PROJECT_DIRECTORY, 'tsconfig.build.json');
    this.compiler = spawn(process.execPath, [compiler, '-p', project, '--watch', '--preserveWatchOutput'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.compiler.stdout === null) throw new Error('tsc has no output');
    const first = Promise.withResolvers<void>();
    this.firstBuild = first.promise;
    // Without a compiler there is nothing to wait for; the apps start from what was compiled before.
    this.compiler.once('exit', () => first.resolve());
    let builds = 0;
    createInterface({ input: this.compiler.stdout }).on('line', (line) => {
      const errors = compileErrors(line);
      if (errors !== 0 && isNews(line)) print(`[tsc] ${line}`);
      if (errors === undefined) return;
      builds += 1;
      if (builds === 1) first.resolve();
      else if (errors === 0) onBuilt();
    });
  }

  stop(): void {
    this.compiler.kill('SIGTERM');
  }
}

/** How many errors a line of tsc says that it found, or undefined for the lines that don't end a compilation. */
export function compileErrors(line: string): number | undefined {
  const found = /Found (\d+) errors?\. Watching for file changes\./.exec(line)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Not what tsc says about itself at every compilation. */
function isNews(line: string): boolean {
  return line.trim() !== '' && !/in watch mode|incremental compilation/.test(line);
}
