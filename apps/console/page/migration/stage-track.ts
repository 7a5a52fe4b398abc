import { html, nothing, type TemplateResult } from 'lit';
import { CAPABILITIES, stagesOf, type Capability } from './capability.js';
import type { CapabilityState } from './facade-api.js';

/** Shows the stages of a capability in a row, from `off` to `complete`: passed ones, the present one with its percentage, and those ahead. */
export function stageTrack(capability: Capability, { stage, percent }: CapabilityState): TemplateResult {
  const stages = stagesOf(capability);
  const present = stages.indexOf(stage);
  return html`<ol class="track" aria-label="Stages of ${CAPABILITIES[capability].toLowerCase()}">
    ${stages.map((each, at) => {
      const place = at < present ? 'passed' : at === present ? 'present' : 'ahead';
      const share = at < present ? 100 : at === present && at > 0 ? percent : 0;
      return html`<li class=${place} aria-current=${at === present ? 'step' : nothing}>
        <span class="bar" style="--share: ${share}%"></span>
        <span class="stage">${each}${at === present && at > 0 ? html` <b>${percent} %</b>` : nothing}</span>
      </li>`;
    })}
  </ol>`;
}
