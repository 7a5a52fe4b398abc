import { clusterFindings } from './cluster-findings.js';
import type { Evidence, Finding } from './evidence.js';
import { orderFindings } from './order-findings.js';

/** What a run has shown, each with its limit. */
export function findingsOf(evidence: Evidence): Finding[] {
  return [...orderFindings(evidence), ...clusterFindings(evidence)];
}
