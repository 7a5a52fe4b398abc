import { z } from 'zod';
import type { DockerCli } from './docker-cli.js';

const NodeSchema = z.object({
  ID: z.string(),
  Spec: z.object({ Labels: z.record(z.string(), z.string()).nullish(), Availability: z.string() }),
  Description: z.object({
    Hostname: z.string(),
    Resources: z.object({ NanoCPUs: z.number(), MemoryBytes: z.number() }),
  }),
  Status: z.object({ State: z.string() }),
});
const TaskSchema = z.object({
  NodeID: z.string().optional(),
  Spec: z.object({
    ContainerSpec: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).optional(),
    Resources: z
      .object({
        Reservations: z.object({ NanoCPUs: z.number().optional(), MemoryBytes: z.number().optional() }).optional(),
      })
      .optional(),
  }),
});

/** A node of the swarm, and how much of it services of other stacks have reserved. */
export interface SwarmNode {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it takes tasks now. */
  readonly isReady: boolean;
  readonly cpus: number;
  readonly memory: number;
  readonly reservedByOthers: { readonly cpus: number; readonly memory: number };
}

/** Reads all nodes. @param stack the own stack, whose reservations do not count */
export async function readNodes(docker: DockerCli, stack: string): Promise<SwarmNode[]> {
  const ids = await docker.list(['node', 'ls', '--quiet']);
  const nodes = (await docker.inspect('node', ids)).map((node) => NodeSchema.parse(node));
  const taskIds = await docker.list(['node', 'ps', '--quiet', '--filter', 'desired-state=running', ...ids]);
  const tasks = (await docker.inspect('task', [...new Set(taskIds)])).map((task) => TaskSchema.parse(task));
  const others = tasks.filter(({ Spec }) => Spec.ContainerSpec?.Labels?.['com.docker.stack.namespace'] !== stack);
  return nodes.map(({ ID, Spec, Description: { Hostname, Resources }, Status }) => {
    const reservations = others.filter(({ NodeID }) => NodeID === ID).map((task) => task.Spec.Resources?.Reservations);
    return {
      id: ID,
      name: Hostname,
      labels: Spec.Labels ?? {},
      isReady: Status.State === 'ready' && Spec.Availability === 'active',
      cpus: Resources.NanoCPUs / 1e9,
      memory: Resources.MemoryBytes,
      reservedByOthers: {
        cpus: sum(reservations.map((each) => each?.NanoCPUs ?? 0)) / 1e9,
        memory: sum(reservations.map((each) => each?.MemoryBytes ?? 0)),
      },
    };
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
