import { describe, expect, it } from '@jest/globals';
import { UUID } from 'mongodb';
import type { OrderDocument } from '#orders/order/order-document.js';
import type { SavedReport } from '#orders/operation/saved-reports.js';
import { ManualClock } from '@orders-pipeline/clock/testing';
import type { InsertResult } from '../save/bulk-insert.js';
import { SavedReports } from './saved-reports.js';

const A = new UUID('01935c9e-8a00-7000-8000-00000000000a');
const B = new UUID('01935c9e-8a00-7000-8000-00000000000b');

function orderFrom(operationId: UUID | null): OrderDocument {
  return { ingest: { operationId } } as OrderDocument;
}

/** Creates reports, and an insert that takes operation ids with their results. */
function reporting(send: (report: SavedReport) => Promise<void>) {
  const clock = new ManualClock();
  const reports = new SavedReports(send, clock);
  const insert = async (orders: readonly [UUID | null, InsertResult['kind']][]): Promise<void> => {
    const results = orders.map(([, kind]): InsertResult => ({ kind, reason: '' }));
    await reports.reporting(async () => results)(orders.map(([id]) => orderFrom(id)));
  };
  return { clock, reports, insert };
}

describe('reports of saved orders', () => {
  it('sum up the saved orders of each operation, and are sent together twice a second', async () => {
    const sent: [string, number][][] = [];
    const { clock, insert } = reporting(async (report) => void sent.push([...report]));
    await insert([[A, 'saved'], [A, 'saved'], [B, 'saved'], [null, 'saved']]); // oxfmt-ignore
    await insert([[A, 'saved']]);
    await clock.advance(499);
    expect(sent).toEqual([]);
    await clock.advance(1);
    expect(sent).toEqual([[[A.toHexString(), 3], [B.toHexString(), 1]]]); // oxfmt-ignore
    await clock.advance(5_000);
    expect(sent).toHaveLength(1);
  });

  it('contain only orders that this insert saved', async () => {
    const sent: [string, number][][] = [];
    const { clock, insert } = reporting(async (report) => void sent.push([...report]));
    await insert([[A, 'repeated'], [A, 'saved'], [A, 'conflict'], [B, 'refused']]); // oxfmt-ignore
    await clock.advance(500);
    expect(sent).toEqual([[[A.toHexString(), 1]]]);
  });

  it('are dropped if their outcome is unknown, since a retry could count them twice', async () => {
    const sent: number[] = [];
    const { clock, insert } = reporting(async (report) => {
      sent.push(...report.values());
      if (sent.length === 1) throw new Error('connection closed');
    });
    await insert([[A, 'saved']]);
    await clock.advance(500);
    await insert([[A, 'saved'], [A, 'saved']]); // oxfmt-ignore
    await clock.advance(500);
    expect(sent).toEqual([1, 2]);
  });

  it('are sent at once when the consumer shuts down', async () => {
    const sent: number[] = [];
    const { clock, reports, insert } = reporting(async (report) => void sent.push(...report.values()));
    await insert([[A, 'saved']]);
    await reports.flush();
    await clock.advance(1_000);
    expect(sent).toEqual([1]);
  });
});
