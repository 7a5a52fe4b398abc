import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PROJECT_DIRECTORY } from '../project-directory.js';

/**
 * Compiles on every change of a source file, like the ordinary build, and reports each successful compilation.
 * Prints compilation errors; the apps then keep their code. The supervisor itself isn't reloaded.
 */
export class SourceWatch {
  /** Resolves after the first compilation, with or without errors. */
  readonly firstBuild: Promise<void>;
  private readonly compiler: ChildProcess;

  constructor(onBuilt: () => void, print: (line: string) => void) {
    const compiler = join(PROJECT_DIRECTORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const project = join(PROJECT_DIRECTORY, 'tsconfig.build.json');
    this.compiler = spawn(process.execPath, [compiler, '-b', project, '--watch', '--preserveWatchOutput'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.compiler.stdout === null) throw new Error('tsc has no output');
    const first = Promise.withResolvers<void>();
    this.firstBuild = first.promise;
    // Without a compiler there is nothing to wait for; the apps start from earlier output.
    this.compiler.once('exit', () => first.resolve());
    let builds = 0;
    createInterface({ input: this.compiler.stdout }).on('line', (line) => {
      const errors = compileErrors(line);
      if (errors !== 0 && isInformative(line)) print(`[tsc] ${line}`);
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

/** Returns the number of errors from the line of tsc that ends a compilation, or undefined for other lines. */
export function compileErrors(line: string): number | undefined {
  const found = /Found (\d+) errors?\. Watching for file changes\./.exec(line)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Returns false for tsc's own status messages at every compilation. */
function isInformative(line: string): boolean {
  return line.trim() !== '' && !/in watch mode|incremental compilation/.test(line);
}
