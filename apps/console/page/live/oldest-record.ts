import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import type { PipelineResponse, ReportedPartition } from '../../src/pipeline/pipeline-response.js';
import { DialogElement } from '../confirm-dialog.js';
import { duration, figure, plural } from '../figures.js';
import { hashOf, type Address } from '../routing.js';
import { factsView } from '../table-view.js';

/** As the consumers: they log a record that has blocked the commit of its partition for this long. */
const STALLED_SECONDS = 60;

export function isStalled({ oldest }: Pick<ReportedPartition, 'oldest'>): boolean {
  return oldest !== null && oldest.takenSeconds >= STALLED_SECONDS;
}

/** Returns the address of the oldest record of all partitions; `undefined`: no consumer reports one. */
export function oldestRecordOf(
  partitions: readonly Pick<ReportedPartition, 'partition' | 'lagSeconds' | 'oldest'>[],
): Address | undefined {
  const [first] = partitions
    .filter(({ oldest }) => oldest !== null)
    .toSorted((a, b) => (b.lagSeconds ?? 0) - (a.lagSeconds ?? 0));
  return first && { view: 'partition', partition: first.partition };
}

/**
 * Shows the oldest record of a partition that is not done, with what its consumer reports of it every second. Nothing is stored of such an
 * order, so this is its story so far.
 */
export class OldestRecordDialog extends DialogElement {
  /** `null`: the dialog is closed. */
  @property({ attribute: false }) partition: number | null = null;

  constructor() {
    super();
    this.follow(this.live);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('partition')) return;
    if (this.partition === null) this.close();
    else void this.show();
  }

  protected override heading(): string {
    return `Oldest record of partition ${this.partition ?? ''}`;
  }

  protected override content(): TemplateResult {
    const { latest } = this.live;
    const partition = latest?.partitions?.find((each) => each.partition === this.partition);
    if (latest?.partitions == null)
      return html`<p class="unknown">Unknown: waiting for the figures of the pipeline.</p>`;
    if (partition === undefined) return html`<p class="bad">The topic has no partition ${this.partition}.</p>`;
    if (partition.oldest === null) return html`<p>${reasonOf(partition)}</p>`;
    return recordView(partition, partition.oldest, consumerOf(latest, partition));
  }
}

/** Why no record is shown. */
function reasonOf({ lagRecords, owner }: ReportedPartition): string {
  if (lagRecords === 0) return 'Every record of this partition is done.';
  return owner === null
    ? 'No consumer has this partition, so that its records wait.'
    : 'Its consumer reports no record: it has not taken the next one yet.';
}

function consumerOf({ consumers }: PipelineResponse, { owner }: ReportedPartition): string {
  return consumers?.find(({ id }) => id === owner)?.name ?? 'its consumer';
}

function recordView(
  { partition, lagRecords, lagSeconds, oldest }: ReportedPartition,
  { offset, accountId, takenSeconds, attempt }: NonNullable<ReportedPartition['oldest']>,
  consumer: string,
): TemplateResult {
  const search = accountId && hashOf({ view: 'search', find: accountId, page: null });
  return html`${
      isStalled({ oldest })
        ? html`<p class="warn">
            Stalled: later orders are saved, but the commit of this partition waits for this record. See the log of
            ${consumer}.
          </p>`
        : nothing
    }
    ${factsView([
      ['Kafka', `partition ${partition}, offset ${figure(offset)}`],
      ['written', lagSeconds === null ? null : `${duration(lagSeconds)} ago`],
      ['taken', `${duration(takenSeconds)} ago, by ${consumer}`],
      ['attempt', `${figure(attempt)}: it runs, or waits for its turn`],
      ['behind it', lagRecords === null ? null : plural(Math.max(0, lagRecords - 1), 'record')],
      ['account', search && html`${accountId} (<a href=${search}>show its saved orders</a>)`],
    ])}
    <p class="muted">
      The order is not saved yet. If its last attempt fails, it becomes a
      <a href=${hashOf({ view: 'section', section: 'letters' })}>dead letter</a>.
    </p>`;
}
