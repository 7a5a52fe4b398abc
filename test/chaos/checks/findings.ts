import { clusterFindings } from './cluster-findings.js';
import type { Evidence, Finding } from './evidence.js';
import { orderFindings } from './order-findings.js';

/** Runs all checks on the evidence of a run. */
export function findingsOf(evidence: Evidence): Finding[] {
  return [...orderFindings(evidence), ...clusterFindings(evidence)];
}
