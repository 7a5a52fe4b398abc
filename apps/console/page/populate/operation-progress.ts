import { html, nothing, type TemplateResult } from 'lit';
import { duration, figure, moment, plural } from '../text/figures.js';
import { extraLettersText, isInProgress, stateOf, type Operation } from './operation.js';

/** Shows the state of an operation as a label. */
export function stateView(operation: Operation): TemplateResult {
  const { text, tone } = stateOf(operation);
  return html`<span class="status ${tone}">${text}</span>`;
}

/** Shows how much of an operation is in Kafka and saved: as a bar, and in figures. */
export function progressView(operation: Operation): TemplateResult {
  const { count, acked, saved, savedAsOf, error } = operation;
  const share = (part: number | null): number => (count ? Math.round((1_000 * (part ?? 0)) / count) / 10 : 0);
  return html`<div
      class="progress"
      role="progressbar"
      aria-label="Saved"
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${share(saved)}
    >
      <i class="acked" style="width: ${share(acked)}%"></i><i class="saved" style="width: ${share(saved)}%"></i>
    </div>
    <div class="muted" title="Saved as of ${moment(savedAsOf)}">${progressText(operation)}</div>
    ${error === null ? nothing : html`<p class="bad">${error.message}</p>`}`;
}

function progressText(operation: Operation): string {
  const { acked, saved, deadLettered, discarded, etaSeconds, waitingFor, savesWaitFor, redrive } = operation;
  const parts = redrive === null ? [`${figure(acked)} in Kafka`, `${figure(saved)} saved`] : redriveText(redrive);
  if (redrive === null && deadLettered) parts.push(plural(deadLettered, 'dead letter'));
  const extra = extraLettersText(operation);
  if (extra !== undefined) parts.push(extra);
  if (redrive === null && discarded) parts.push(`${figure(discarded)} discarded`);
  if (etaSeconds && isInProgress(operation)) parts.push(`${duration(etaSeconds)} until everything is sent`);
  if (savesWaitFor) parts.push(`waiting for ${savesWaitFor}`);
  else if (waitingFor !== null) parts.push('waiting for the consumers to catch up');
  return parts.join(', ');
}

function redriveText(redrive: NonNullable<Operation['redrive']>): string[] {
  const { moved, saved, returned, waiting, missing, unmovable } = redrive;
  const ends = [`${figure(saved)} saved`, `${figure(returned)} returned`];
  if (waiting > 0) ends.push(`${figure(waiting)} in progress`);
  if (missing > 0) ends.push(`${figure(missing)} missing`);
  const equation = `${figure(moved)} moved = ${ends.join(' + ')}`;
  return unmovable > 0 ? [equation, `${figure(unmovable)} cannot be moved`] : [equation];
}
