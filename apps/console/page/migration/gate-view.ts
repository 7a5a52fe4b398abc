import { html, type TemplateResult } from 'lit';
import type { GateCondition } from './facade-api.js';

/** Lists conditions of the gate: what is wanted, what was found, and whether it holds. */
export function conditionList(gate: readonly GateCondition[], name: string): TemplateResult {
  return html`<ul class="gate" aria-label=${name}>
    ${gate.map(
      ({ condition, wanted, found, holds }) =>
        html`<li>
          <span class=${holds ? 'good' : 'bad'}>${holds ? '✓ holds' : '✗ not met'}</span>
          <span><b>${condition}</b>: wanted ${wanted}; found ${found}</span>
        </li>`,
    )}
  </ul>`;
}
