import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { PROJECT_DIRECTORY } from '../project-directory.js';

const ID = '00000000-0000-4000-8000-000000000000';

/** A program that a user starts. */
interface Program {
  /** As it is typed, before its arguments. */
  readonly name: string;
  /** The file that runs: compiled, in dist/, or a source in test/ or bench/. */
  readonly file: string;
  /** The command, or the flag, with which all command lines begin. */
  readonly mode?: readonly string[];
  /** More command lines that end at once. Those with an unknown flag, or with a wrong value for a flag of the help, need no entry. */
  readonly also?: readonly string[];
}

/** All programs but `npm run audit` and `npm run sbom`, which have no flags and start their work whatever is typed. */
const PROGRAMS: readonly Program[] = [
  {
    name: 'npm start --',
    file: 'dist/dev/start.js',
    also: [
      '--consumers many',
      '--consumers 65',
      '--consumers=-1',
      '--partitions 0',
      '--partitions 1.5',
      '--in-flight 1e3',
      '--ordering random',
      '--save-ms 1000',
      '--save-ms 9..1',
      '--autoscale off',
      '--autoscale --no-console',
      'stray',
      '--data',
    ],
  },
  { name: 'npm run orders --', file: 'dist/apps/cli/src/main.js', also: [''] },
  // Its other commands are those of `npm run orders`.
  { name: 'npm run migration --', file: 'dist/dev/migration.js', mode: ['demo'], also: ['--bug x', '--orders 0'] },
  // `npm run reconcile` is its command `reconcile`.
  {
    name: 'npm run admin --',
    file: 'dist/apps/admin/src/main.js',
    also: ['', 'reconcile abc', `reconcile ${ID} ${ID}`],
  },
  { name: 'npm run swarm --', file: 'dist/dev/swarm.js', also: [''] },
  { name: 'npm run reset --', file: 'dist/dev/empty-data.js', also: ['stray', '--data'] },
  {
    name: 'npm run compare --',
    file: 'bench/compare.ts',
    also: [
      '--orders 0',
      '--orders 10001',
      '--orders 1e3',
      '--seed=-1',
      '--seed 9007199254740992',
      '--save-ms 1000',
      '--save-ms 9..1',
      '--save-ms 0..0',
      '--only fastest',
      '--out=',
      '--json',
      'stray',
    ],
  },
  { name: 'npm run images --', file: 'dist/dev/images.js', also: ['', 'stray'] },
  { name: 'npm run chaos --', file: 'test/chaos/run.ts' },
  { name: 'npm run chaos --', file: 'test/chaos/run.ts', mode: ['--migration'] },
  { name: 'npm run disaster --', file: 'test/disaster/run.ts', also: ['stray'] },
  { name: 'npm run qualify --', file: 'test/qualify/run.ts' },
  {
    name: 'npm run bench --',
    file: 'bench/run.ts',
    also: [
      '--orders 0',
      '--orders 10000001',
      '--orders 1e3',
      '--orders=-5',
      '--orders 1.5',
      '--orders=',
      '--orders 5 --only window',
      '--orders 5 --quick',
      '--only windows',
    ],
  },
  { name: 'npm run bookkeeping --', file: 'bench/bookkeeping.ts', also: ['--orders 1'] },
];

/** They have settings instead of flags. */
const SERVICES = ['producer', 'consumer', 'query-api', 'console', 'facade', 'legacy', 'dev-issuer', 'swarm-scaler'];

/** A flag that no program has, and a value that no check accepts. */
const [WRONG_FLAG, WRONG_VALUE] = ['--nonsense', 'nonsense'];
/** Holds the programs of test/ and bench/, which `npm run check` does not compile. */
const BUNDLES = join(PROJECT_DIRECTORY, 'dist', 'surface');

/** What this process has itself, and a program that runs in it has not. */
const REAL = {
  argv: process.argv,
  exit: process.exit.bind(process),
  streams: [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write.bind(stream) })),
};

/** What a program has printed, and its exit code. */
interface Run {
  readonly output: string;
  readonly exitCode: number;
}

/** Ends a program that exits, and not this process. */
class Exit extends Error {}

/**
 * Returns what each program prints, and with which exit code it ends, for `--help`, an unknown flag, a wrong value of each flag and a missing
 * argument. They run in this process one after another: to load their modules takes most of the time, and they share them.
 */
export async function describeCommands(): Promise<string> {
  await build({
    absWorkingDir: PROJECT_DIRECTORY,
    entryPoints: [...new Set(PROGRAMS.map(({ file }) => file))].filter((file) => file.endsWith('.ts')),
    outbase: '.',
    outdir: BUNDLES,
    bundle: true,
    packages: 'external',
    // The product is compiled without what only specs use.
    conditions: ['orders-source'],
    format: 'esm',
    platform: 'node',
  });
  isolate();
  const parts: string[] = [];
  for (const program of PROGRAMS) parts.push(...(await new Prober(program).probe()));
  process.env['PORT'] = WRONG_VALUE;
  for (const service of SERVICES) {
    const file = `dist/apps/${service}/src/main.js`;
    parts.push(transcript(`PORT=${WRONG_VALUE} node ${file}`, await run(file, [])));
  }
  return parts.join('\n');
}

/**
 * Keeps the settings and the terminal of the caller from changing what is printed, and a program that accepts a wrong command line from
 * starting: it finds neither the parts of the servers nor pip and Maven, which fetch them. Only `npm start` still names what is no setting in a `.env`.
 */
function isolate(): void {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, { PATH: BUNDLES, ORDERS_CACHE_DIR: BUNDLES });
  Object.assign(process, { loadEnvFile: () => undefined });
  for (const { stream } of REAL.streams) Object.defineProperty(stream, 'isTTY', { value: false });
  // Each run adds the listeners of a process.
  for (const emitter of [process, process.stdout, process.stderr]) emitter.setMaxListeners(0);
  process.chdir(BUNDLES);
}

/** Finds the command lines of a program in its help, and runs them. */
class Prober {
  private readonly transcripts: string[] = [];
  /** What was printed, without the first line: many programs print their help after each error. */
  private readonly printed = new Set<string>();

  constructor(private readonly program: Program) {}

  async probe(): Promise<readonly string[]> {
    const { mode = [], also = [] } = this.program;
    await this.probeCommand(mode);
    for (const line of also) await this.record([...mode, ...line.split(' ').filter(Boolean)]);
    return this.transcripts;
  }

  private async probeCommand(path: readonly string[]): Promise<void> {
    const help = await this.record([...path, '--help']);
    await this.record([...path, WRONG_FLAG]);
    const usage = /^Usage: .*/.exec(help)?.[0];
    if (usage === undefined) return;
    if (usage.includes(' <')) await this.record(path);
    for (const [, flag = ''] of help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+) [<[]/gm)) {
      // The unknown flag keeps the command from starting its work if it accepts every value. It then does not name this one.
      await this.record([...path, flag, WRONG_VALUE, WRONG_FLAG], (output) => firstLine(output).includes(flag));
    }
    const [, commands = ''] = /^Commands:\n((?: .*\n)*)/m.exec(help) ?? [];
    for (const [, name = ''] of commands.matchAll(/^ {2}([a-z][\w-]*)/gm))
      if (name !== 'help') await this.probeCommand([...path, name]);
  }

  /** @returns what was printed */
  private async record(args: readonly string[], isWanted = (_output: string) => true): Promise<string> {
    const { output, exitCode } = await run(this.program.file, args);
    if (!isWanted(output)) return output;
    const rest = output.slice(firstLine(output).length).trim();
    const isRepeated = exitCode !== 0 && rest.includes('\n') && this.printed.has(rest);
    this.printed.add(rest).add(output);
    const shown = isRepeated ? `${firstLine(output)}\n(then as above)` : output;
    this.transcripts.push(transcript(`${this.program.name} ${args.join(' ')}`, { output: shown, exitCode }));
    return output;
  }
}

function firstLine(output: string): string {
  return output.split('\n', 1)[0] ?? '';
}

function transcript(line: string, { output, exitCode }: Run): string {
  return `$ ${line.trimEnd()}\n${output}\nexit code ${exitCode}\n`;
}

let runs = 0;

/** Runs a program in this process. What it prints after its end does not count. */
async function run(file: string, args: readonly string[]): Promise<Run> {
  const path = file.endsWith('.ts') ? join(BUNDLES, file.replace(/ts$/, 'js')) : join(PROJECT_DIRECTORY, file);
  let output = '';
  let exitCode: number | undefined;
  const write = (text: string): boolean => {
    if (exitCode === undefined) output += text;
    return true;
  };
  const end = (code: number | undefined): never => {
    exitCode ??= code ?? Number(process.exitCode ?? 0);
    throw new Exit();
  };
  Object.assign(process, { argv: [process.execPath, path, ...args], exit: end });
  for (const { stream } of REAL.streams) Object.assign(stream, { write });
  try {
    runs += 1;
    // With another query, Node.js evaluates the file again, and only this file.
    await import(`${pathToFileURL(path).href}?run=${runs}`);
    exitCode ??= Number(process.exitCode ?? 0);
  } catch (error) {
    // What Node.js prints of an error that the program does not catch, without the stack.
    if (exitCode === undefined) write(`${String(error)}\n`);
    exitCode ??= 1;
  } finally {
    Object.assign(process, { argv: REAL.argv, exit: REAL.exit, exitCode: undefined });
    for (const { stream, write: real } of REAL.streams) Object.assign(stream, { write: real });
  }
  return { output: output.replaceAll(PROJECT_DIRECTORY, '.').trim(), exitCode };
}
