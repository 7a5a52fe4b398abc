import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installPart } from '../../dev/parts/parts.js';
import { freePort } from '../../dev/machine/ports.js';
import { runClient } from '../../dev/parts/package-clients.js';
import { eventually, fetchLimit } from '../support/eventually.js';
import { provideTestPart } from '../support/fetched-programs.js';

const JAEGER = '1.76.0';
const PROGRAM = 'jaeger-all-in-one';
const PACKAGE = 'github.com/jaegertracing/jaeger/cmd/all-in-one';

/** A span as Jaeger has stored it. */
export interface StoredSpan {
  readonly id: string;
  /** The id of its parent; `undefined`: it begins its trace, or its parent is a client's. */
  readonly parent: string | undefined;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly service: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
}

interface JaegerReference {
  readonly refType: string;
  readonly traceID: string;
  readonly spanID: string;
}

interface JaegerField {
  readonly key: string;
  readonly value: unknown;
}

interface JaegerTrace {
  readonly traceID: string;
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
  readonly spans: readonly {
    readonly spanID: string;
    readonly processID: string;
    readonly operationName: string;
    /** In microseconds. */
    readonly startTime: number;
    readonly references: readonly JaegerReference[];
    readonly tags: readonly JaegerField[];
    readonly logs: readonly { readonly fields: readonly JaegerField[] }[];
  }[];
}

/** A real Jaeger on free loopback ports, which stores its traces in memory. */
export class RunningJaeger {
  private constructor(
    private readonly child: ChildProcess,
    /** Where spans are sent, by `http/protobuf`. */
    readonly endpoint: string,
    private readonly api: string,
  ) {}

  /** Builds it from the Go module proxy, once, and starts it. */
  static async start(): Promise<RunningJaeger> {
    const command = join(await provideJaeger(), PROGRAM);
    const ports: number[] = [];
    const address = async (): Promise<string> => {
      ports.push(await freePort());
      return `127.0.0.1:${ports.at(-1)}`;
    };
    const [otlp, api] = [await address(), await address()];
    const args = [
      `--collector.otlp.http.host-port=${otlp}`,
      `--query.http-server.host-port=${api}`,
      `--collector.otlp.grpc.host-port=${await address()}`,
      `--collector.grpc-server.host-port=${await address()}`,
      `--collector.http-server.host-port=${await address()}`,
      `--query.grpc-server.host-port=${await address()}`,
      `--admin.http.host-port=${await address()}`,
    ];
    const child = spawn(command, args, { stdio: 'ignore' });
    const jaeger = new RunningJaeger(child, `http://${otlp}`, `http://${api}/api`);
    await eventually('Jaeger is ready', async () => {
      if (child.exitCode !== null) throw new Error(`Jaeger ended with ${child.exitCode}`);
      return fetch(`${jaeger.api}/services`).then(
        ({ ok }) => ok,
        () => false,
      );
    });
    return jaeger;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }

  /** Returns the spans of a trace in the order of their start; none if it is unknown. */
  async trace(id: string): Promise<readonly StoredSpan[]> {
    const response = await fetch(`${this.api}/traces/${id}`);
    const { data } = (await response.json()) as { readonly data: readonly JaegerTrace[] | null };
    return (data ?? []).flatMap(toSpans);
  }

  /** Returns the spans of the trace in which an order was published. */
  async traceOfOrder(orderId: string): Promise<readonly StoredSpan[]> {
    return this.find({ service: 'orders-producer', tags: JSON.stringify({ 'orders.order.id': orderId }) });
  }

  /** Returns the spans of at most 500 traces that a query finds. */
  async find(query: Readonly<Record<string, string>>): Promise<readonly StoredSpan[]> {
    const response = await fetch(`${this.api}/traces?${new URLSearchParams({ ...query, limit: '500' }).toString()}`);
    const { data } = (await response.json()) as { readonly data: readonly JaegerTrace[] | null };
    return (data ?? []).flatMap(toSpans);
  }
}

function toSpans({ processes, spans }: JaegerTrace): StoredSpan[] {
  const inOrder = spans.toSorted((a, b) => a.startTime - b.startTime);
  return inOrder.map(({ spanID, processID, operationName, references, tags, logs }) => ({
    id: spanID,
    parent: references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
    links: references
      .filter(({ refType }) => refType !== 'CHILD_OF')
      .map(({ traceID, spanID: spanId }) => ({ traceId: traceID, spanId })),
    service: processes[processID]?.serviceName ?? '',
    name: operationName,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    events: logs.map(({ fields }) => String(fields.find(({ key }) => key === 'event')?.value)),
  }));
}

/** Returns the folder of the program: in JAEGER_DIR, or built into the cache. */
async function provideJaeger(): Promise<string> {
  const given = (process.env['JAEGER_DIR'] ?? '').split(delimiter).find((folder) => existsSync(join(folder, PROGRAM)));
  if (given !== undefined) return given;
  return provideTestPart(`jaeger-${JAEGER}`, async (part) =>
    installPart(part, async (directory) => {
      const go = async (...args: readonly string[]): Promise<void> =>
        runClient({
          command: 'go',
          args,
          cwd: directory,
          env: { CGO_ENABLED: '0', GOFLAGS: '-mod=mod -buildvcs=false' },
          fetching: 'Jaeger',
          signal: fetchLimit(),
        });
      // Go installs no program whose module replaces others, but builds it within another module.
      await go('mod', 'init', 'jaeger-for-tests');
      await go('get', `${PACKAGE}@v${JAEGER}`);
      await go('build', '-trimpath', '-ldflags=-s -w', '-o', PROGRAM, PACKAGE);
    }),
  );
}
