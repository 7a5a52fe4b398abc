import { html, nothing, type TemplateResult } from 'lit';
import { moment } from '../text/figures.js';
import { CAPABILITIES, CAPABILITY_NAMES } from './capability.js';
import type { AuditEntry } from './facade-api.js';

const ACTIONS: Readonly<Record<AuditEntry['action'], string>> = {
  change: 'changed',
  done: 'done',
  abandoned: 'abandoned',
  refusal: 'refused',
  rollback: 'rolled back',
  alert: 'alert',
  hold: 'held',
  release: 'released',
};
const BAD = new Set<AuditEntry['action']>(['rollback', 'alert', 'abandoned']);

/** Lists the newest entries of the audit. */
export function auditView(entries: readonly AuditEntry[]): TemplateResult {
  if (entries.length === 0)
    return html`<p class="muted">Nothing yet: each change, refusal and rollback is listed here.</p>`;
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="Table of the history">
    <table>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">What</th>
          <th scope="col">By</th>
          <th scope="col">Reason</th>
        </tr>
      </thead>
      <tbody>
        ${entries.map(
          (entry) =>
            html`<tr>
              <td class="when">${moment(entry.at)}</td>
              <th scope="row" class="sentence">${what(entry)}</th>
              <td>${entry.by}</td>
              <td class="sentence">${entry.reason}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function what({ action, capability, from, to, code, isForced }: AuditEntry): TemplateResult {
  const name = CAPABILITY_NAMES.find((each) => each === capability);
  const change = from === undefined ? to : `${from} → ${to}`;
  const subject = [name && CAPABILITIES[name].toLowerCase(), change].filter((text) => text !== undefined).join(', ');
  const remarks = [code, isForced === true ? 'forced' : undefined].filter((text) => text !== undefined);
  return html`<span class=${BAD.has(action) ? 'bad' : nothing}>${ACTIONS[action]}</span>${
      subject === '' ? nothing : `: ${subject}`
    }${remarks.length === 0 ? nothing : ` (${remarks.join(', ')})`}`;
}
