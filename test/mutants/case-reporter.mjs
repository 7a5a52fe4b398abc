import { performance } from 'node:perf_hooks';

/** The specs that mutants run use neither I/O nor real time: an event loop without work has a case that will never end. */
const IDLE_MS = 10_000;

/** Prints a line of JSON for each case that ends, and for each failure, at once. Needs `--runInBand`. */
export default class CaseReporter {
  running = {};

  onRunStart() {
    let before = performance.eventLoopUtilization();
    setInterval(() => {
      const now = performance.eventLoopUtilization();
      if (performance.eventLoopUtilization(now, before).utilization < 0.01)
        print({ file: this.running.file, failed: `${this.running.title} (hangs)` });
      before = now;
    }, IDLE_MS).unref();
  }

  onTestFileStart(test) {
    this.running = { file: pathOf(test), title: pathOf(test) };
  }

  onTestCaseStart(test, { ancestorTitles, title }) {
    this.running = { file: pathOf(test), title: [...ancestorTitles, title].join(' › ') };
  }

  onTestCaseResult(test, { ancestorTitles, title, status, duration }) {
    const failed = status === 'failed' ? [...ancestorTitles, title].join(' › ') : undefined;
    print({ file: pathOf(test), ms: duration ?? 0, failed });
  }

  onTestFileResult(test, { testExecError }) {
    if (testExecError) print({ file: pathOf(test), failed: `${pathOf(test)} could not run` });
  }
}

function pathOf({ path, context }) {
  return path.slice(context.config.rootDir.length + 1);
}

function print(report) {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
