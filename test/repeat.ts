// `npm run test:repeat -- [WAY]`: shows that the tests don't depend on the speed of the machine. It repeats `npm test` on fresh clones of
// this commit with less and less of the processors, and each spec file of the project `real` alone. Each result is a line of
// .data/repeat.jsonl at once: a run that was interrupted goes on where it was. A red result ends it. It needs Linux with taskset
// and, for half a core, the right to create a control group.
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_DIRECTORY as PROJECT } from '../dev/project-directory.js';

const FOLDER = join(PROJECT, '.data');
const RECORD = join(FOLDER, 'repeat.jsonl');
/** How often Jest runs a spec file alone, each time with another order of its cases. */
const ALONE_RUNS = 4;
/** How often each of these runs repeats the file. */
const ALONE_REPEATS = 5;
const ALONE = 'each real spec alone';

/** A command that limits the one after it, such as `taskset`; empty: no limit. */
type Limit = readonly string[];

/** `npm test` runs this often with this part of two cores. Each limit is a lane: the lanes run at the same time, on different cores. */
const WAYS: readonly { readonly way: string; readonly times: number; readonly lanes: readonly Limit[] }[] = [
  { way: 'quiet', times: 10, lanes: [[]] },
  { way: 'one core', times: 6, lanes: [core(0), core(1)] },
  { way: 'half a core', times: 4, lanes: [halfOf(0), halfOf(1)] },
];

interface Result {
  readonly commit: string;
  readonly what: string;
  readonly isGreen: boolean;
  readonly seconds: number;
  /** Jest's lines of counts. */
  readonly tests: readonly string[];
}

class Repetition {
  private readonly record: Result[];

  constructor(private readonly commit: string) {
    const lines = existsSync(RECORD) ? readFileSync(RECORD, 'utf8').split('\n').filter(Boolean) : [];
    this.record = lines.map((line) => JSON.parse(line) as Result).filter((each) => each.commit === commit);
  }

  get isRed(): boolean {
    return this.record.some(({ isGreen }) => !isGreen);
  }

  /** Repeats the whole test on fresh clones. */
  async repeatAll(way: string, times: number, lanes: readonly Limit[]): Promise<void> {
    const left = Array.from({ length: times - this.count(way) }, () => way);
    await this.inLanes(lanes, left, async (limit) => {
      const clone = await mkdtemp(join(tmpdir(), 'orders-repeat-'));
      await succeed(['git', 'clone', '--quiet', PROJECT, clone], PROJECT);
      // Its time does not count: the figure is that of `npm test` without installation.
      await succeed(['node', 'dev/setup.mjs', '--tests'], clone);
      await this.judge(way, async (log) => run([...limit, 'npm', 'test'], clone, log));
      await rm(clone, { recursive: true, force: true });
    });
  }

  /** Repeats each spec file alone. */
  async repeatEach(lanes: readonly Limit[]): Promise<void> {
    const left = realSpecs().filter((spec) => this.count(spec) === 0);
    await this.inLanes(lanes, left, async (limit, spec) => {
      const command = ['npm', 'run', 'test:real', '--', '--testPathPatterns', `/${spec}$`];
      const env = { WORKERS: '1', REPEAT_SPECS: String(ALONE_REPEATS) };
      await this.judge(spec, async (log) => {
        let code: number | null = 0;
        for (let runs = 0; code === 0 && runs < ALONE_RUNS; runs += 1)
          code = await run([...limit, ...command], PROJECT, log, env);
        return code;
      });
    });
  }

  /** Prints how often each part ran, how often it was green, and how long it took. */
  summarize(): void {
    for (const what of new Set(this.record.map((each) => each.what))) {
      const runs = this.record.filter((each) => each.what === what);
      const seconds = runs.map((each) => each.seconds).toSorted((a, b) => a - b);
      const green = runs.filter(({ isGreen }) => isGreen).length;
      console.log(`${what}: ${green} of ${runs.length} green, ${seconds[0]} to ${seconds.at(-1)} s`);
    }
  }

  private count(what: string): number {
    return this.record.filter((each) => each.what === what).length;
  }

  /** Works on all items, one at a time in each lane, until one is red. */
  private async inLanes(
    lanes: readonly Limit[],
    items: readonly string[],
    work: (limit: Limit, item: string) => Promise<void>,
  ): Promise<void> {
    const left = [...items];
    await Promise.all(
      lanes.map(async (limit) => {
        for (let item = left.shift(); item !== undefined && !this.isRed; item = left.shift()) await work(limit, item);
      }),
    );
  }

  private async judge(what: string, work: (log: string) => Promise<number | null>): Promise<void> {
    const startedAt = performance.now();
    const log = join(FOLDER, `repeat-${Math.round(performance.timeOrigin + startedAt)}.log`);
    const isGreen = (await work(log)) === 0;
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const tests = readFileSync(log, 'utf8').match(/^Tests: .*$/gm) ?? [];
    if (isGreen) await rm(log);
    const result: Result = { commit: this.commit, what, isGreen, seconds, tests };
    this.record.push(result);
    appendFileSync(RECORD, `${JSON.stringify(result)}\n`);
    console.log(`${what}: ${isGreen ? 'green' : `RED, see ${log}`}, ${seconds} s`);
  }
}

function core(number: number): Limit {
  return ['taskset', '--cpu-list', String(number)];
}

/** Half of the time of one core, by a control group of version 1 or 2. */
function halfOf(number: number): Limit {
  const script = `
    if [ -d /sys/fs/cgroup/cpu ]; then
      group=/sys/fs/cgroup/cpu/orders-repeat-${number}; mkdir -p $group
      echo 100000 >$group/cpu.cfs_period_us; echo 50000 >$group/cpu.cfs_quota_us
    else
      group=/sys/fs/cgroup/orders-repeat-${number}; mkdir -p $group
      echo '50000 100000' >$group/cpu.max
    fi
    echo $$ >$group/cgroup.procs
    exec "$@"`;
  return ['sh', '-ec', script, 'half-a-core', ...core(number)];
}

function realSpecs(): string[] {
  const args = [
    '--experimental-vm-modules',
    'node_modules/jest/bin/jest.js',
    '--selectProjects',
    'real',
    '--listTests',
  ];
  const paths = execFileSync('node', args, { cwd: PROJECT, encoding: 'utf8' }).split('\n');
  return paths.filter((path) => path.startsWith(PROJECT)).map((path) => path.slice(PROJECT.length + 1));
}

async function succeed(command: readonly string[], cwd: string): Promise<void> {
  const log = join(FOLDER, 'repeat-preparation.log');
  if ((await run(command, cwd, log)) !== 0) throw new Error(`${command.join(' ')} failed: see ${log}`);
}

/** @returns the exit code */
async function run(command: readonly string[], cwd: string, log: string, env = {}): Promise<number | null> {
  const [file = '', ...args] = command;
  const output = openSync(log, 'a');
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', output, output] });
  const ended = Promise.withResolvers<number | null>();
  child.once('error', ended.reject).once('exit', ended.resolve);
  try {
    return await ended.promise;
  } finally {
    closeSync(output);
  }
}

mkdirSync(FOLDER, { recursive: true });
const [only] = process.argv.slice(2);
const repetition = new Repetition(
  execFileSync('git', ['rev-parse', 'HEAD'], { cwd: PROJECT, encoding: 'utf8' }).trim(),
);
for (const { way, times, lanes } of WAYS)
  if (only === undefined || only === way) await repetition.repeatAll(way, times, lanes);
if (only === undefined || only === ALONE) await repetition.repeatEach([core(0), core(1)]);
repetition.summarize();
process.exitCode = repetition.isRed ? 1 : 0;
