import { figure } from '../text/figures.js';
import type { UntranslatedOrder, VerifiedDifference } from './facade-api.js';

/** What a backfill or a verify has found about one order. */
export type Finding = UntranslatedOrder | VerifiedDifference;

interface Reason {
  readonly code: string;
  readonly field?: string;
  readonly value?: string;
  readonly detail: string;
}

/** Describes a finding in one line: which order, and each field with both values. */
export function findingText(finding: Finding): string {
  const { number, id } = finding;
  const order = number === null ? 'An element without a number' : `Number ${figure(number)}${id ? ` (${id})` : ''}`;
  return `${order}: ${'kind' in finding ? differenceText(finding) : reasonText(finding.reason)}`;
}

function differenceText({ kind, fields, reason }: VerifiedDifference): string {
  if (fields !== undefined && fields.length > 0)
    return fields
      .map(
        ({ path, legacy, new: other }) =>
          `${path} is ${shown(legacy)} in the legacy system, ${shown(other)} on the new side`,
      )
      .join('; ');
  return isReason(reason) ? `${kind}, ${reasonText(reason)}` : kind;
}

function reasonText({ code, field, value, detail }: Reason): string {
  const where = field === undefined ? '' : ` of ${field}${value === undefined ? '' : ` ${value}`}`;
  return `${code}${where}, ${detail}`;
}

function isReason(reason: unknown): reason is Reason {
  return typeof reason === 'object' && reason !== null && 'code' in reason;
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
