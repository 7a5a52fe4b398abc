import { z } from 'zod';
import type { DockerCli } from './docker-cli.js';

const ListedSchema = z.object({ Name: z.string(), Replicas: z.string(), Image: z.string(), Mode: z.string() });
const ServiceSchema = z.object({
  Spec: z.object({ Name: z.string() }),
  UpdateStatus: z.object({ State: z.string() }).optional(),
});
const TaskSchema = z.object({
  Name: z.string(),
  CurrentState: z.string(),
  DesiredState: z.string(),
  Error: z.string(),
});

/** How far a service of a stack is. */
export interface ServiceState {
  /** Without the stack's name. */
  readonly service: string;
  readonly image: string;
  readonly isJob: boolean;
  /** Healthy tasks; of a job, completed ones. */
  readonly done: number;
  readonly wanted: number;
  /** Of the last update: `updating`, `completed`, `paused`, `rollback_started` …; `undefined` if there was none. */
  readonly update: string | undefined;
}

/** The end of a task, or what it does now. */
export type TaskState = z.infer<typeof TaskSchema>;

/** Reads the services of a stack. */
export async function readServices(docker: DockerCli, stack: string): Promise<ServiceState[]> {
  const label = `label=com.docker.stack.namespace=${stack}`;
  const listed = (await docker.jsonLines(['service', 'ls', '--filter', label])).map((line) => ListedSchema.parse(line));
  const inspected = (
    await docker.inspect(
      'service',
      listed.map(({ Name }) => Name),
    )
  ).map((each) => ServiceSchema.parse(each));
  const updates = new Map(inspected.map(({ Spec, UpdateStatus }) => [Spec.Name, UpdateStatus]));
  return listed.map(({ Name, Replicas, Image, Mode }) => {
    const { done, wanted } = progressOf(Replicas);
    const update = updates.get(Name)?.State;
    return { service: Name.slice(stack.length + 1), image: Image, isJob: Mode.endsWith('job'), done, wanted, update };
  });
}

/** Reads `2/2`, `1/3 (max 2 per node)`, or `0/1 (1/1 completed)` of a job. */
export function progressOf(replicas: string): { readonly done: number; readonly wanted: number } {
  const { completed = replicas } = /\((?<completed>\d+\/\d+) completed\)/.exec(replicas)?.groups ?? {};
  const [done = 0, wanted = 0] = (/^\d+\/\d+/.exec(completed)?.[0] ?? '').split('/').map(Number);
  return { done, wanted };
}

/** Returns the newest tasks of a service first. */
export async function readTasks(docker: DockerCli, name: string): Promise<TaskState[]> {
  return (await docker.jsonLines(['service', 'ps', '--no-trunc', name])).map((line) => TaskSchema.parse(line));
}
