import { Counter, type Registry } from 'prom-client';
import { formatMoney } from '#orders/order/money.js';
import type { LegacyOrder } from '#orders/order/order.js';
import type { Comparisons } from '../comparison/comparisons.js';
import type { FoundMismatch, Mismatches } from '../comparison/mismatches.js';
import type { Observations } from '../comparison/observations.js';
import type { Intent } from '../writes/bucket-store.js';
import { SIDE_TEXTS, type SideName } from '../sides/side.js';
import { textOf } from '../sides/side-connection.js';
import type { MigrationState } from './migration-state.js';
import type { LegacyAnswer } from '../sides/legacy-answers.js';
import type { Untranslatable, WriteReports } from './migration-ports.js';

export interface ReportingDependencies {
  readonly observations: Pick<Observations, 'record'>;
  readonly comparisons: Pick<Comparisons, 'offer'>;
  readonly mismatches: Pick<Mismatches, 'store'>;
  readonly state: Pick<MigrationState, 'latest'>;
  readonly registry: Registry;
}

/** Turns what happens to written orders into figures, comparisons and mismatches. */
export class WriteReporting implements WriteReports {
  private readonly onOneSide;

  constructor(private readonly dependencies: ReportingDependencies) {
    this.onOneSide = new Counter({
      name: 'facade_orders_on_one_side_total',
      help: 'Orders that one side has and the other refused (diverged), or can not have (untranslatable)',
      labelNames: ['reason'] as const,
      registers: [dependencies.registry],
    });
    for (const reason of ['diverged', 'untranslatable'] as const) this.onOneSide.inc({ reason }, 0);
  }

  observed(side: SideName, ms: number, failed: boolean): void {
    this.dependencies.observations.record({ capability: 'writes', version: this.version, side, ms, failed });
  }

  bothStored({ order: { id } }: Intent): void {
    const read = { capability: 'read-by-id', id } as const;
    this.dependencies.comparisons.offer({ capability: 'writes', version: this.version, key: id, read });
  }

  async diverged(
    { order }: Intent,
    side: SideName,
    { code, message }: { readonly code: string; readonly message: string },
  ): Promise<void> {
    this.onOneSide.inc({ reason: 'diverged' });
    const [legacyRaw, newRaw] = side === 'legacy' ? [message, shown(order)] : [shown(order), message];
    await this.store(order.id, {
      code,
      detail: `refused by ${SIDE_TEXTS[side]}: ${message}`,
      path: 'order',
      legacyRaw,
      newRaw,
    });
  }

  async untranslatable(reason: Untranslatable, sent: string, answer: LegacyAnswer): Promise<void> {
    this.onOneSide.inc({ reason: 'untranslatable' });
    const { code, field = 'order', detail } = reason;
    const legacyRaw = typeof answer.body === 'string' ? answer.body : textOf({ bytes: answer.body });
    await this.store(idIn(legacyRaw) ?? sent.slice(0, 64), { code, detail, path: field, legacyRaw, newRaw: '' });
  }

  private async store(
    key: string,
    { code, detail, path, ...raw }: { code: string; detail: string; path: string; legacyRaw: string; newRaw: string },
  ): Promise<void> {
    const found: FoundMismatch = {
      capability: 'writes',
      version: this.version,
      key,
      paths: [{ path, code, detail }],
      ...raw,
      recheck: 'differs',
      code,
    };
    await this.dependencies.mismatches.store(found);
  }

  private get version(): number {
    return this.dependencies.state.latest?.capabilities.writes.version ?? 1;
  }
}

function shown({ price, amount, ...order }: LegacyOrder): string {
  return JSON.stringify({ ...order, price: formatMoney(price), amount: formatMoney(amount) });
}

function idIn(text: string): string | undefined {
  return /"id":"([^"]{1,64})"/.exec(text)?.[1];
}
