import { describe, expect, it } from '@jest/globals';
import { useTemporaryFolder, writeInto } from '#orders/testing/temporary-folder.js';
import { runOrders, type CommandLineRun } from './testing/command-line-run.js';
import {
  breaks,
  formOf,
  inTurn,
  json,
  problem,
  type Answerer,
  cutAfter,
  event,
  events,
  OPERATION,
  SUCCEEDED,
} from './testing/local-servers.js';

const ID = OPERATION.id;
const LETTER = {
  id: 'orders.v1/3/17',
  state: 'pending',
  operationId: '01a2135b-532c-737c-bc84-e9aafaaf8fb4',
  index: 4,
  number: 4_712,
  redrives: 1,
  error: { code: 'conflict', message: 'another order\u001b[31m' },
};
const REDRIVEN = {
  ...OPERATION,
  kind: 'redrive',
  saved: 2,
  redrive: { moved: 3, saved: 2, returned: 1, waiting: 0, missing: 0, unmovable: 0 },
};
const PLAN = { letters: 3, spent: 1, errors: [{ errorCode: 'conflict', count: 3 }] };
const GROUP = { errorCode: 'conflict', count: 1_234, redriven: 2, lastAt: 'then', example: { message: 'taken' } };
const ACCEPTED = { operationId: ID, items: [7, 8].map((number) => ({ id: `order-${number}`, number })) };
const POPULATE_OPTIONS =
  '--rate 0.5 --seed 7 --chunk-size 10 --accounts 3 --from a --to b --poison 0.1 --conflict 0 --oversized 1 --duplicate 0.25';
const REDRIVE = 'POST /v1/dead-letters/redrive';
const DISCARD = 'POST /v1/dead-letters/discard';

describe('the command line', () => {
  const folder = useTemporaryFolder();

  it.each<[string, string | string[], RegExp]>([
    ['an unknown command', 'populat 5', /unknown command 'populat'/],
    ['no number', 'populate many', /'many' is invalid for argument 'count'\. It must be an integer/],
    ['no id', 'operation 17', /It must be the id of an operation, a UUID/],
    ['no id of a dead letter', 'dead-letter 17', /It must be the id of a dead letter/],
    ['no folder', 'import nowhere', /^nowhere does not exist\./],
    ['no file', 'create nothing.json', /^Cannot read .*nothing\.json: .*ENOENT/],
    ['no address', 'operations --url localhost', /^"localhost" is not the address of a service/],
    ['less than 0', ['scale', '--', '-1'], /It must be an integer/],
    ['half a consumer', 'scale 1.5', /It must be an integer/],
    ['nothing as a number', ['scale', ''], /It must be an integer/],
    ['no dead letters', 'redrive', /^Name the dead letters\.\nGive an ID, or --error and --operation \(one or both\)/],
    ['no dead letters to plan for', 'redrive --dry-run', /^Name the dead letters\.\n/],
    ['two kinds of filters', 'discard --error conflict --all', /^Name the dead letters in one way only\.\n/],
    ['a dead letter and a filter', 'redrive orders.v1/0/1 --all', /^Name the dead letters in one way only\.\n/],
  ])('rejects %s with exit code 2 and sends no request', async (_, args, message) => {
    const { exitCode, out, err, requests } = await runOrders(args, undefined, { workingDirectory: folder() });
    expect({ exitCode, out, requests }).toEqual({ exitCode: 2, out: '', requests: [] });
    expect(err).toMatch(message);
  });

  it.each<[string, object, string, object[], RegExp]>([
    ['populate 5', OPERATION, 'POST /v1/populate', [{ count: 5 }], /^sent +600 of 1,000, 100\/s, 0:04 left$/m],
    [
      `populate 5 ${POPULATE_OPTIONS}`,
      OPERATION,
      'POST /v1/populate',
      [
        {
          count: 5,
          ratePerSecond: 0.5,
          seed: 7,
          chunkSize: 10,
          accounts: 3,
          from: 'a',
          to: 'b',
          faults: { poison: 0.1, conflict: 0, oversized: 1, duplicate: 0.25 },
        },
      ],
      /^saved +400$/m,
    ],
    [`operation ${ID}`, OPERATION, `GET /v1/operations/${ID}`, [], /^seed +7$/m],
    ...['pause', 'resume', 'cancel'].map((action): [string, object, string, object[], RegExp] => [
      `${action} ${ID.toUpperCase()}`,
      { ...OPERATION, interruption: 'cancel' },
      `POST /v1/operations/${ID}/${action}`,
      [],
      /^state +sending 60 %, saving 66 % \(about to cancel\)$/m,
    ]),
    [
      'operations --status running --kind populate',
      { items: [{ ...OPERATION, saved: null, waitingFor: 'consumers' }], page: { next: '/v1/operations?before=x' } },
      'GET /v1/operations?status=running&kind=populate&pageSize=20',
      [],
      /^operation .*\n.* sending 60 %, saving 66 % +1,000 +600 +\? +0 +2026.*\n$/,
    ],
    [
      'dead-letters --error conflict',
      { state: 'pending', total: 1_234, items: [GROUP] },
      'GET /v1/dead-letters?errorCode=conflict',
      [],
      /^error +dead letters +redriven before[^]*\nconflict +1,?234 +2 +then +taken\n$/,
    ],
    ['dead-letter orders.v1/3/17', LETTER, 'GET /v1/dead-letters/records/orders.v1/3/17', [], /"index": 4/],
    [
      'redrive --error conflict --limit 3 --rate 0.5 --max-redrives 2',
      REDRIVEN,
      REDRIVE,
      [{ errorCode: 'conflict', limit: 3, ratePerSecond: 0.5, maxRedrives: 2 }],
      /^saved +2$[^]*^dead again +1$/m,
    ],
    [
      'redrive orders.v1/3/17 --dry-run',
      PLAN,
      REDRIVE,
      [{ id: 'orders.v1/3/17', dryRun: true }],
      /^3 would be sent\n {2}3 conflict\n1 skipped: maximum number of redrives reached\n$/,
    ],
    [
      `discard --error malformed-avro --operation ${ID}`,
      { discarded: 7 },
      DISCARD,
      [{ errorCode: 'malformed-avro', operationId: ID }],
      /^7 discarded\n$/,
    ],
    ['scale 4', { count: 4, idle: 0 }, 'POST /console/v1/pipeline/consumers', [{ count: 4 }], /^Scaling to 4 consu/],
  ])('%s sends one request and prints the response', async (line, answer, request, bodies, prints) => {
    const run = await runOrders(line, json(answer));
    expect(run).toMatchObject({ exitCode: 0, requests: [request], bodies });
    expect(run.out).toMatch(prints);
  });

  it.each([
    ['populate 5', OPERATION],
    ['create orders.json', ACCEPTED],
    [`operation ${ID}`, OPERATION],
    [`cancel ${ID}`, OPERATION],
    ['dead-letters', { items: [GROUP] }],
    ['dead-letter orders.v1/3/17', LETTER],
    ['redrive --all', REDRIVEN],
    ['redrive --all --dry-run', PLAN],
    ['discard --all', { discarded: 7 }],
    ['scale 14', { count: 14, idle: 2 }],
  ])('%s --json prints only JSON on standard output', async (line, answer) => {
    await writeInto(folder('orders.json'), '[]');
    const { out } = await runOrders(`${line} --json`, json(answer), { workingDirectory: folder() });
    expect(JSON.parse(out)).toEqual(answer);
  });

  it.each(['populate 5', 'create orders.json', 'import .', 'redrive --all'])(
    '%s runs once despite broken connections, with the given key or a new one',
    async (line) => {
      await writeInto(folder('orders.json'), '[]');
      const keysOf = async (args: string): Promise<unknown[]> => {
        const answer = inTurn(breaks, breaks, json({ ...OPERATION, ...ACCEPTED }, 202));
        const { exitCode, headers } = await runOrders(args, answer, { workingDirectory: folder() });
        expect(exitCode).toBe(0);
        return headers('idempotency-key');
      };
      expect(await keysOf(`${line} --key mine`)).toEqual(['mine', 'mine', 'mine']);
      const [key, ...others] = await keysOf(line);
      expect([key, others]).toEqual([expect.stringMatching(/^[\da-f-]{36}$/), [key, key]]);
      expect(await keysOf(line)).not.toContain(key);
      const broken = await runOrders(line, breaks, { workingDirectory: folder() });
      const [, printed] = /with --key ([\da-f-]{36}): it (?:starts the operation|sends them) at most once/.exec(
        broken.err,
      ) ?? [''];
      expect(broken.headers('idempotency-key')).toEqual([printed, printed, printed, printed]);
    },
  );

  it.each([
    ['create orders.json', 400, 2],
    ['redrive --all', 409, 1],
    ['scale 2', 409, 1],
    ['migration promote writes --reason now', 409, 1],
  ])('%s prints why a service rejects it', async (line, status, expected) => {
    await writeInto(folder('orders.json'), '[]');
    const { exitCode, err } = await runOrders(line, problem(status, 'refused'), { workingDirectory: folder() });
    expect([exitCode, err]).toEqual([expected, 'It is refused. (refused)\n']);
  });

  it('suggests to follow the operation that it has started', async () => {
    const { err } = await runOrders('populate 5', json(OPERATION, 202));
    expect(err).toBe(`Follow it: npm run orders -- watch ${ID}\n`);
    expect((await runOrders('populate 5 --json', json(OPERATION, 202))).err).toBe('');
  });

  it('sends the file of orders, and prints their ids and numbers', async () => {
    const orders = [{ accountId: 'acc-1' }, { accountId: 'acc-2' }];
    await writeInto(folder('orders.json'), JSON.stringify(orders));
    const run = await runOrders('create orders.json', json(ACCEPTED, 202), { workingDirectory: folder() });
    expect(run).toMatchObject({ exitCode: 0, requests: ['POST /v1/orders'], bodies: [orders] });
    expect(run.out.split('\n').map((line) => line.split(/\s+/))).toContainEqual(['order-8', '8']);
  });

  it.each([
    ['a comma that is missing', '[{"accountId": "acc-1"} {}]', /JSON at position 24/],
    ['nothing', '', /end of JSON input/],
  ])('names a file of broken JSON, and sends nothing: %s', async (_, content, place) => {
    await writeInto(folder('broken.json'), content);
    const { exitCode, err, requests } = await runOrders('create broken.json', undefined, {
      workingDirectory: folder(),
    });
    expect([exitCode, requests]).toEqual([2, []]);
    expect(err).toMatch(/^broken\.json is not JSON: /);
    expect(err).toMatch(place);
  });

  it('imports a folder with one request', async () => {
    for (const name of ['b.json', 'a.json']) await writeInto(folder(name), '[]');
    let names: string[] = [];
    const answer: Answerer = async (request, response, at) => {
      names = (await formOf(request)).map(([, name]) => name);
      return json({ ...OPERATION, kind: 'import', seed: null }, 202)(request, response, at);
    };
    const { exitCode, err, requests } = await runOrders('import .', answer, { workingDirectory: folder() });
    expect([exitCode, requests, names]).toEqual([0, ['POST /v1/imports'], ['a.json', 'b.json']]);
    expect(err).toMatch(/^Uploading 2 files, /);
  });

  it('lists all operations page by page', async () => {
    const pages = ['populate', 'import'].map((kind, at) =>
      json({ items: [{ ...OPERATION, kind }], page: at === 0 ? { next: '/v1/operations?before=x' } : {} }),
    );
    const { out, requests } = await runOrders('operations --all --json', inTurn(...pages));
    expect((JSON.parse(out) as { kind: string }[]).map(({ kind }) => kind)).toEqual(['populate', 'import']);
    expect(requests).toEqual(['GET /v1/operations?pageSize=100', 'GET /v1/operations?before=x']);
  });

  it('does not follow a next page to another host', async () => {
    const page = json({ items: [], page: { next: '@elsewhere.test/v1/' } });
    const { exitCode, err, requests } = await runOrders('operations --all', page);
    expect([exitCode, requests.length]).toEqual([1, 1]);
    expect(err).toContain('page.next');
  });

  it.each([
    ['holds', 0],
    ['broken', 1],
    ['pending', 2],
  ])('ends a reconciliation with the verdict %s and exit code %i', async (verdict, exitCode) => {
    const report = { verdict, text: `It ${verdict}.\nSo it is.`, missing: 0 };
    const run = await runOrders(`reconcile ${ID}`, json(report));
    expect(run).toMatchObject({ exitCode, out: `${report.text}\n`, requests: [`POST /v1/operations/${ID}/reconcile`] });
    expect(JSON.parse((await runOrders(`reconcile ${ID} --json`, json(report))).out)).toEqual(report);
  });

  it('lists the rejected files and rows of an import, page by page, without control characters', async () => {
    const reject = { fileName: 'a.json', row: 3, byteOffset: 71, code: 'bad-amount', detail: 'must be a decimal' };
    const files = [
      { name: 'a.json', state: 'read', reason: null },
      { name: 'b.json', state: 'refused', reason: { code: 'not-json', detail: 'it is no JSON' } },
    ];
    const next = `/v1/imports/${ID}/rejects?after=1`;
    const answer = inTurn(
      json({ items: files, page: {} }),
      json({ items: [{ ...reject, text: 'x'.repeat(500) }], page: { next } }),
      json({ items: [{ ...reject, text: '\u001b[2J' }], page: {} }),
    );
    const listed = await runOrders(`rejects ${ID}`, answer);
    expect(listed.requests).toEqual([`GET /v1/imports/${ID}/files`, `GET /v1/imports/${ID}/rejects`, `GET ${next}`]);
    expect(listed.out.split('\n')).toEqual([
      'b.json not-json: it is no JSON',
      `a.json row 3 (byte 71) bad-amount: must be a decimal: ${'x'.repeat(120)}…`,
      'a.json row 3 (byte 71) bad-amount: must be a decimal: \\u001b[2J',
      '',
    ]);
    expect(JSON.parse((await runOrders(`rejects ${ID} --json`, answer)).out)).toHaveLength(3);
    const none = await runOrders(`rejects ${ID} --json`, json({ items: [], page: {} }));
    expect(JSON.parse(none.out)).toEqual([]);
  });

  it('lists dead letters one by one, page by page, without control characters', async () => {
    const answer = inTurn(
      json({ items: [LETTER], page: { next: '/v1/dead-letters/records?after=x' } }),
      json({ items: [LETTER], page: {} }),
    );
    const { out, requests } = await runOrders('dead-letters --list --state pending', answer);
    expect(requests).toEqual(['GET /v1/dead-letters/records?state=pending', 'GET /v1/dead-letters/records?after=x']);
    expect(out.split('\n')).toHaveLength(3);
    expect(out).toMatch(/^orders\.v1\/3\/17 pending, redriven 1, order 4,712 of 01a2[^]*: conflict: /);
    expect(out).not.toContain('\u001b');
  });

  it.each([
    ['discard --error conflikt', { discarded: 0 }, '0 discarded\n'],
    ['redrive --error conflikt --dry-run', { letters: 0, spent: 0, errors: [] }, '0 would be sent\n'],
    ['dead-letters --error conflikt', { items: [] }, ''],
  ])('%s names the error codes that exist, if none is the given one', async (line, answer, text) => {
    const groups = [GROUP, { ...GROUP, errorCode: 'oversized' }];
    const { exitCode, out, err } = await runOrders(line, inTurn(json(answer), json({ items: groups })));
    expect([exitCode, out]).toEqual([0, text]);
    expect(err).toContain('No dead letter has the error code conflikt. There are: conflict, oversized.\n');
  });
});

describe('watching an operation', () => {
  it.each([
    ['succeeded', 'allSaved', 'all saved', 0],
    ['succeeded', 'partlySaved', '7 of 9 saved, 2 dead-lettered', 0],
    ['succeeded', 'noneSaved', 'none saved: 208 dead-lettered again', 1],
    ['failed', 'failed', 'failed: No topic.', 1],
    ['cancelled', 'allSaved', 'cancelled at 60 %, all of it saved', 3],
  ] as const)('ends with the final state: %s, %s, %s, and exit code %i', async (status, code, text, exitCode) => {
    const last = { ...SUCCEEDED, status, state: { code, text } };
    const stream = events(event('progress', OPERATION), event('done', last));
    const run = await runOrders(`watch ${ID}`, stream);
    expect([run.exitCode, run.requests]).toEqual([exitCode, [`GET /v1/operations/${ID}/events`]]);
    expect(run.out).toMatch(new RegExp(`^state +${text}$`, 'm'));
    expect(run.err.split('\n').at(-2)).toMatch(/^1,000 of 1,000 saved/);
    expect(JSON.parse((await runOrders(`watch ${ID} --json`, stream)).out)).toEqual(last);
  });

  it.each(['populate 1000 --watch', `operation ${ID} --watch`])('is an option: %s', async (line) => {
    const done = events(event('done', SUCCEEDED));
    const answer: Answerer = (request, response, at) =>
      (request.method === 'POST' ? json(OPERATION, 202) : done)(request, response, at);
    const { exitCode, out, requests } = await runOrders(`${line} --json`, answer);
    expect([exitCode, JSON.parse(out), requests.at(-1)]).toEqual([0, SUCCEEDED, `GET /v1/operations/${ID}/events`]);
  });

  it('stops at Ctrl-C, pressed once or twice, and explains that the operation continues and how to cancel it', async () => {
    const started = Promise.withResolvers<void>();
    const hanging: Answerer = (_, response) => response.write(event('progress', OPERATION), () => started.resolve());
    const run = await runOrders(`watch ${ID} --json`, hanging, { interrupted: started.promise });
    expect([run.exitCode, run.out]).toEqual([130, '']);
    expect(run.err).toContain('the operation continues');
    expect(run.err).toContain(`npm run orders -- cancel ${ID}\n`);
    expect(run.requests.every((request) => request.startsWith('GET'))).toBe(true);
  });

  it('prints why an operation failed', async () => {
    const failed = { ...SUCCEEDED, status: 'failed', error: { code: 'topic-gone', message: 'No topic.' } } as const;
    const { exitCode, out } = await runOrders(`watch ${ID}`, inTurn(cutAfter(''), events(event('done', failed))));
    expect(exitCode).toBe(1);
    expect(out).toMatch(/^error +No topic\. \(topic-gone\)$/m);
  });
});

/** Runs `scale … --watch` against a console with this state before, and these states after the request; the last one repeats. */
async function scaled(line: string, before: object, ...states: readonly object[]): Promise<CommandLineRun> {
  const polls = states.map((state) => json({ changes: [], ...state }));
  return runOrders(`${line} --watch`, inTurn(json({ changes: [], ...before }), json({ count: 4, idle: 0 }), ...polls));
}

describe('scaling the consumers', () => {
  const HELPED = { outcome: 'faster', factor: 3.9, bound: null, text: '3.90 times the throughput' };
  const EFFECT = '3.90 times the throughput (saved/s 1,950 before, 7,600 after)\n';

  function scalingTo(consumers: number, second: number, verdict: typeof HELPED | null): object {
    const at = new Date(1_000 * second).toISOString();
    return { at, kind: 'scaling', from: { consumers: 1 }, to: { consumers }, before: 1_950, after: 7_600, verdict };
  }

  it('warns about idle consumers', async () => {
    const { err } = await runOrders('scale 14', json({ count: 14, idle: 2 }));
    expect(err).toBe('2 of them are idle: a partition is assigned to only one consumer.\n');
  });

  it('prints the effect that the console has measured', async () => {
    const pending = { changes: [scalingTo(4, 9, null)], scaling: { count: 4 } };
    const done = { changes: [scalingTo(4, 9, HELPED)] };
    const run = await scaled('scale 4', { consumers: [{ inFlight: 7 }] }, {}, pending, done);
    expect([run.exitCode, run.out]).toEqual([0, EFFECT]);
    expect(run.requests.map((request) => request.split(' ')[0])).toEqual(['GET', 'POST', 'GET', 'GET', 'GET']);
  });

  it('waits for the verdict on this change, not on an earlier one to the same number', async () => {
    const changes = [
      scalingTo(4, 1, { ...HELPED, text: '1.20 times the throughput' }),
      scalingTo(1, 2, { ...HELPED, text: '0.83 times the throughput' }),
    ];
    const run = await scaled(
      'scale 4',
      { consumers: [{ inFlight: 7 }], changes },
      { changes },
      { changes: [...changes, scalingTo(4, 3, null)] },
      { changes: [...changes, scalingTo(4, 3, HELPED)] },
    );
    expect([run.exitCode, run.out]).toEqual([0, EFFECT]);
  });

  it.each([
    ['is requested', { changes: [], scaling: { count: 4 } }],
    ['is being measured', { changes: [scalingTo(4, 9, null)], scaling: null }],
  ])('waits for the verdict on a scaling to the same number that %s', async (_, already) => {
    const consumers = Array.from({ length: 4 }, () => ({ inFlight: 7 }));
    const run = await scaled('scale 4', { consumers, ...already }, { changes: [scalingTo(4, 9, HELPED)] });
    expect([run.exitCode, run.out]).toEqual([0, EFFECT]);
  });

  it('reports at once that the number has not changed, without consumers that send no heartbeats', async () => {
    const consumers = [{ inFlight: 7 }, { inFlight: 0 }, { inFlight: null }];
    const resting = { consumers, changes: [scalingTo(2, 1, HELPED)], scaling: null };
    const run = await scaled('scale 2', resting);
    expect([run.exitCode, run.out, run.err]).toEqual([0, 'Already 2 consumers: nothing changed.\n', '']);
    expect(run.requests).toEqual(['GET /console/v1/pipeline', 'POST /console/v1/pipeline/consumers']);
    expect((await scaled('scale 2 --json', resting)).out).toBe('null\n');
  });
});
