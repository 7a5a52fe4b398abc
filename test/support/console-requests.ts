import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import type { TestedStack } from './tested-stack.js';

/** A response of the console to a change of the consumers or of their limit. */
export interface ScalingAnswer {
  readonly status: number;
  readonly body: { readonly code: string; readonly errors: { field: string }[]; count: number; idle: number | null };
}

/** Reads the state of the pipeline from the console. @throws Error unless it answers 200 */
export async function pipelineState(
  stack: TestedStack,
  headers: Readonly<Record<string, string>> = {},
): Promise<PipelineResponse> {
  const response = await fetch(`${stack.consoleUrl}/v1/pipeline`, { headers });
  if (response.status !== 200) throw new Error(`the console responded with status ${response.status}`);
  return (await response.json()) as PipelineResponse;
}

/** Asks the console to change the number of consumers or their in-flight limit, or to show the effect of more consumers. */
export async function changeScaling(
  stack: TestedStack,
  what: 'consumers' | 'in-flight' | 'scaling-demo' | 'scaling-demo/cancel',
  body: unknown,
): Promise<ScalingAnswer> {
  const response = await fetch(`${stack.consoleUrl}/v1/pipeline/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as ScalingAnswer['body'] };
}

/** Whether every partition is assigned and the partitions are shared among `among` consumers. */
export function areShared({ partitions, consumers }: PipelineResponse, among: number): boolean {
  const owners = new Set(partitions?.map(({ owner }) => owner));
  return consumers?.length === among && !owners.has(null) && owners.size === among;
}
