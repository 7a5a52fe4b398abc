import { Long } from 'mongodb';
import type { NumberRun } from '#orders/archive/archived-ranges.js';

/** Numbers that one query reads: about a megabyte of orders. */
const GROUP_NUMBERS = 4_000;
const GROUP_RUNS = 100;

export interface NumberGroup {
  readonly filter: { readonly $or: { number: { $gte: Long; $lte: Long } }[] };
  /** How many numbers it has. */
  readonly size: number;
}

/** Splits runs into groups that one query can read, in their order. Within a group, numbers ascend: a query sorts by them. */
export function* numberGroups(runs: readonly NumberRun[]): Generator<NumberGroup> {
  let group: NumberRun[] = [];
  let size = 0;
  for (const { first, last } of runs) {
    if (first < (group.at(-1)?.last ?? 0)) {
      yield toGroup(group, size);
      group = [];
      size = 0;
    }
    for (let from = first; from <= last;) {
      const to = Math.min(last, from + GROUP_NUMBERS - size - 1);
      group.push({ first: from, last: to });
      size += to - from + 1;
      from = to + 1;
      if (size < GROUP_NUMBERS && group.length < GROUP_RUNS) continue;
      yield toGroup(group, size);
      group = [];
      size = 0;
    }
  }
  if (group.length > 0) yield toGroup(group, size);
}

function toGroup(runs: readonly NumberRun[], size: number): NumberGroup {
  return { filter: { $or: runs.map((run) => ({ number: toCondition(run) })) }, size };
}

function toCondition({ first, last }: NumberRun): { $gte: Long; $lte: Long } {
  return { $gte: Long.fromNumber(first), $lte: Long.fromNumber(last) };
}
