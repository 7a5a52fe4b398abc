import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FigureHistory } from '../../apps/console/src/history/figure-history.js';
import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { pipelineState } from './scripted-states.js';

const PAGE = join(PROJECT_DIRECTORY, 'dist/apps/console/page');
const TYPES: Record<string, string> = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };

/** Serves the page as the console does, with figures of a pipeline that does not exist, and as fast as its caller wants. */
export class ImitatedConsole {
  private readonly server: Server;
  private readonly history = new FigureHistory();
  private stream: ServerResponse | undefined;
  private passed = 0;

  private constructor(private readonly startSecond: number) {
    this.server = createServer((request, response) => void this.answer(request.url ?? '/', response));
  }

  /** @param startSecond time of the first event, in seconds since 1970 */
  static async start(startSecond: number): Promise<ImitatedConsole> {
    const console = new ImitatedConsole(startSecond);
    await new Promise<void>((resolve) => void console.server.listen(0, '127.0.0.1', resolve));
    return console;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
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
      this.stream?.write(`event: pipeline\ndata: ${JSON.stringify(state)}\n\n`);
    }
  }

  private async answer(path: string, response: ServerResponse): Promise<void> {
    if (path === '/v1/pipeline/events') {
      this.stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      this.pass(1);
    } else if (path === '/v1/pipeline/history') response.end(JSON.stringify({ series: this.history.recorded() }));
    else if (/^\/(v1|query-api|page-settings)/.test(path))
      response.end(JSON.stringify({ items: [], page: {}, ways: [], state: 'idle' }));
    else {
      const file = path === '/' ? 'index.html' : path.slice(1);
      response.setHeader('content-type', TYPES[file.split('.').at(-1) ?? ''] ?? 'text/html');
      response.end(await readFile(join(PAGE, file)));
    }
  }
}

function pipelineAt(second: number, passed: number): PipelineResponse {
  const nothing = { from: null, to: null, before: null, after: null, verdict: null, crash: null };
  return pipelineState({
    at: new Date(1_000 * second).toISOString(),
    producedPerSecond: 4_000 + (passed % 700),
    savedPerSecond: 3_900 + (passed % 500),
    lagRecords: 10 * passed,
    changes: Array.from({ length: 20 }, (_, index) => ({
      ...nothing,
      at: new Date(1_000 * (second - 180 * (19 - index))).toISOString(),
      secondsAgo: 180 * (19 - index),
      kind: 'rebalance',
    })),
  });
}
