import { z } from 'zod';
import { type DockerCli, SwarmError, type SwarmProblem } from './docker.js';
import { setTimeout as delay } from 'node:timers/promises';

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
  readonly desired: number;
  /** Of the last update: `updating`, `completed`, `paused`, `rollback_started` …; `undefined` if there was none. */
  readonly update: string | undefined;
}

/** The end of a task, or what it does now. */
type TaskState = z.infer<typeof TaskSchema>;

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
    const { done, desired } = progressOf(Replicas);
    const update = updates.get(Name)?.State;
    return { service: Name.slice(stack.length + 1), image: Image, isJob: Mode.endsWith('job'), done, desired, update };
  });
}

/** Reads `2/2`, `1/3 (max 2 per node)`, or `0/1 (1/1 completed)` of a job. */
export function progressOf(replicas: string): { readonly done: number; readonly desired: number } {
  const { completed = replicas } = /\((?<completed>\d+\/\d+) completed\)/.exec(replicas)?.groups ?? {};
  const [done = 0, desired = 0] = (/^\d+\/\d+/.exec(completed)?.[0] ?? '').split('/').map(Number);
  return { done, desired };
}

/** Returns the newest tasks of a service first. */
export async function readTasks(docker: DockerCli, name: string): Promise<TaskState[]> {
  return (await docker.jsonLines(['service', 'ps', '--no-trunc', name])).map((line) => TaskSchema.parse(line));
}

const POLL_MS = 1_000;
/** Swarm begins an update some time after it has accepted it. */
const POLLS_IN_A_ROW = 3;
/** Whether an update has ended well, or never began. */
const ENDED_WELL = new Set([undefined, 'completed']);
/** Updates that Swarm has stopped because a new task failed. */
const FAILED = new Set(['paused', 'rollback_started', 'rollback_paused', 'rollback_completed']);

/**
 * Resolves when all tasks of the services run the present version and are healthy, and jobs have completed.
 * @throws SwarmError `rolled-back` as soon as Swarm rolls one back, `job-failed`, or `not-healthy` after the time
 */
export async function waitUntilSettled(
  docker: DockerCli,
  stack: string,
  services: readonly string[],
  withinSeconds: number,
): Promise<void> {
  const deadline = Date.now() + withinSeconds * 1_000;
  for (let polls = 0; polls < POLLS_IN_A_ROW; await delay(POLL_MS)) {
    const states = (await readServices(docker, stack)).filter(({ service }) => services.includes(service));
    await rejectFailed(docker, stack, states);
    const open = services.filter((name) => !isSettled(states.find(({ service }) => service === name)));
    polls = open.length === 0 ? polls + 1 : 0;
    if (open.length > 0 && Date.now() > deadline) {
      const problems = await Promise.all(open.map(async (name) => problemOf(docker, stack, name, 'not-healthy')));
      throw new SwarmError(problems);
    }
  }
}

/** Returns whether the tasks of all services are healthy, and no update is under way or has failed. */
export async function areSettled(docker: DockerCli, stack: string, services: readonly string[]): Promise<boolean> {
  const states = await readServices(docker, stack);
  return services.every((name) => isSettled(states.find(({ service }) => service === name)));
}

function isSettled(state: ServiceState | undefined): boolean {
  return state !== undefined && state.done === state.desired && ENDED_WELL.has(state.update);
}

async function rejectFailed(docker: DockerCli, stack: string, states: readonly ServiceState[]): Promise<void> {
  const problems: SwarmProblem[] = [];
  for (const { service, update, isJob, done, desired } of states) {
    if (FAILED.has(update ?? '')) problems.push(await problemOf(docker, stack, service, 'rolled-back'));
    if (isJob && done < desired && (await hasFailedTask(docker, stack, service)))
      problems.push(await problemOf(docker, stack, service, 'job-failed'));
  }
  if (problems.length > 0) throw new SwarmError(problems);
}

async function hasFailedTask(docker: DockerCli, stack: string, service: string): Promise<boolean> {
  return (await readTasks(docker, `${stack}_${service}`)).some(({ CurrentState }) =>
    /^(Failed|Rejected)/.test(CurrentState),
  );
}

/** Describes a service by its last failed task, and the end of its log. */
async function problemOf(
  docker: DockerCli,
  stack: string,
  service: string,
  code: SwarmProblem['code'],
): Promise<SwarmProblem> {
  const name = `${stack}_${service}`;
  const tasks = await readTasks(docker, name).catch(() => []);
  const failed = tasks.find(({ Error: error }) => error !== '') ?? tasks[0];
  const what = failed === undefined ? 'it has no task' : `${failed.CurrentState} ${failed.Error}`.trim();
  const log = await docker.run(['service', 'logs', '--raw', '--tail', '5', name]).catch(() => '');
  return { code, text: `${service}: ${what}. docker service ps --no-trunc ${name}${log === '' ? '' : `\n${log}`}` };
}
