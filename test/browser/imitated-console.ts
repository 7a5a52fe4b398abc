import { FigureHistory } from '../../apps/console/src/pipeline/figure-history.js';
import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import { aChange, aPipeline } from '../../apps/console/src/pipeline/testing/a-pipeline.js';
import { answerEmpty } from './scripted-answers.js';
import { ScriptedOrigin } from './scripted-origin.js';

/** A scripted origin that records the figures of a pipeline, as the console does, and as fast as its caller wants. */
export class ImitatedConsole {
  private readonly history = new FigureHistory();
  private passed = 0;

  /** @param startSecond time of the first event, in seconds since 1970 */
  constructor(
    private readonly origin: ScriptedOrigin,
    private readonly startSecond: number,
  ) {
    answerEmpty(origin);
    origin.show(pipelineAt(startSecond, 0));
    origin.on('GET /v1/pipeline/history', () => ({ body: { series: this.history.recorded() } }));
  }

  static async start(startSecond: number): Promise<ImitatedConsole> {
    return new ImitatedConsole(await ScriptedOrigin.start(), startSecond);
  }

  stop(): void {
    this.origin.close();
  }

  get url(): string {
    return this.origin.url;
  }

  /** The lag in the last event. */
  get lag(): number {
    return 10 * this.passed;
  }

  /** Records seconds, and sends their events to a page that is connected. */
  pass(seconds: number): void {
    for (let left = seconds; left > 0; left -= 1) {
      this.passed += 1;
      const state = pipelineAt(this.startSecond + this.passed, this.passed);
      const { producedPerSecond: produced, savedPerSecond: saved, inFlight, lagRecords: lag } = state;
      this.history.add(this.startSecond + this.passed, { produced, saved, inFlight, lag, consumers: 2 });
      this.origin.show(state);
    }
  }
}

function pipelineAt(second: number, passed: number): PipelineResponse {
  return aPipeline({
    at: new Date(1_000 * second).toISOString(),
    producedPerSecond: 4_000 + (passed % 700),
    savedPerSecond: 3_900 + (passed % 500),
    lagRecords: 10 * passed,
    changes: Array.from({ length: 20 }, (_, index) => {
      const secondsAgo = 180 * (19 - index);
      return aChange({ kind: 'rebalance', at: new Date(1_000 * (second - secondsAgo)).toISOString(), secondsAgo });
    }),
  });
}
