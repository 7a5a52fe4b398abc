import { describe, expect, it } from '@jest/globals';
import { runOrders } from '../testing/command-line-run.js';
import { answerJson, type Answerer } from '../testing/local-producer.js';
import { OPERATION } from '../testing/operation-example.js';

const ID = OPERATION.id;

describe('rejects', () => {
  it('lists the rejected files and rows of an import, page by page, without control characters', async () => {
    const reject = {
      file: 0,
      fileName: 'a.json',
      row: 3,
      byteOffset: 71,
      code: 'bad-amount',
      detail: 'must be a decimal',
    };
    const files = [
      { name: 'a.json', state: 'read', reason: null },
      { name: 'b.json', state: 'refused', reason: { code: 'not-json', detail: 'it is no JSON' } },
    ];
    const answer: Answerer = (request, response) => {
      if (request.url?.endsWith('/files')) return answerJson(response, 200, { items: files, page: {} });
      const isLast = request.url?.includes('after=') === true;
      const items = [{ ...reject, text: isLast ? '\u001b[2J' : 'x'.repeat(500) }];
      answerJson(response, 200, { items, page: { ...(!isLast && { next: `/v1/imports/${ID}/rejects?after=1` }) } });
    };
    const listed = await runOrders(['rejects', ID], answer);
    expect(listed.requests).toEqual([
      `GET /v1/imports/${ID}/files`,
      `GET /v1/imports/${ID}/rejects`,
      `GET /v1/imports/${ID}/rejects?after=1`,
    ]);
    expect(listed.out.split('\n')).toEqual([
      'b.json not-json: it is no JSON',
      `a.json row 3 (byte 71) bad-amount: must be a decimal: ${'x'.repeat(120)}…`,
      'a.json row 3 (byte 71) bad-amount: must be a decimal: \\u001b[2J',
      '',
    ]);
    const { out } = await runOrders(['rejects', ID, '--json'], answer);
    expect(JSON.parse(out)).toHaveLength(3);
    const none = await runOrders(['rejects', ID, '--json'], (_, response) =>
      answerJson(response, 200, { items: [], page: {} }),
    );
    expect(JSON.parse(none.out)).toEqual([]);
  });
});
