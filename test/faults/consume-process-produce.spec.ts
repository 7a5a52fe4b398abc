import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { betweenTries } from '../support/eventually.js';
import type { MemberProcess } from '../support/member/member-process.js';
import { TestGroup, numberedRecords, writeAll } from '../support/member/test-group.js';
import { StandaloneKafka } from '../support/own-servers.js';
import { readToEnd, type ReadRecord } from '../support/topic-writer.js';

/** `KILLS=42` for a long run. */
const KILLS = Number(process.env['KILLS'] ?? 5);
const PARTITIONS = 12;
const KEYS = 600;
const MEMBERS = 3;
const CHUNK = 500;
const CHUNK_EVERY_MS = 500;
/** So many records are handled before each kill, and while a broker is away. A killed member is replaced at once. */
const BETWEEN_KILLS = 4_000;
const WHILE_AWAY = 2_000;
const SETTINGS = { inFlight: 200, commitIntervalMs: 200 };
const HANDLER_MS = 100;

describe('consume, process, produce while members and brokers are killed', () => {
  let server: StandaloneKafka;
  let group: TestGroup;

  beforeAll(async () => {
    server = await StandaloneKafka.start(3, { 'min.insync.replicas': 2 });
  });

  afterAll(async () => {
    await server.stop();
  });

  afterEach(async () => {
    await group.end();
  });

  /** Writes a chunk of numbered records again and again. @returns how many when it was stopped */
  async function writeUntil(signal: AbortSignal): Promise<number> {
    let written = 0;
    while (!signal.aborted) {
      await writeAll(group.kafka, group.topic, numberedRecords(CHUNK, KEYS, PARTITIONS, written));
      written += CHUNK;
      await betweenTries(CHUNK_EVERY_MS, signal);
    }
    return written;
  }

  /** Kills a member and a broker by turns, each time while all members work. */
  async function killInTurns(members: MemberProcess[], launch: () => MemberProcess): Promise<void> {
    for (let turn = 0; turn < KILLS; turn += 1) {
      await Promise.all(members.map((member) => member.joins()));
      await group.handles(group.effects.handled + BETWEEN_KILLS);
      if (turn % 2 === 0) {
        await members.shift()?.kill();
        members.push(launch());
        continue;
      }
      const node = server.node(1 + (Math.floor(turn / 2) % 3));
      await node.kill();
      await group.handles(group.effects.handled + WHILE_AWAY);
      await node.start();
    }
  }

  it('loses no output, keeps the order of each key, and repeats only outputs of inputs that it tries again', async () => {
    group = await TestGroup.on(server, 'produce', { partitions: PARTITIONS });
    const outputTopic = `${group.topic}.out`;
    await group.createTopic(outputTopic, { partitions: PARTITIONS });
    const launch = () => group.launch(SETTINGS, { handlerMs: HANDLER_MS, outputTopic });
    const members = Array.from({ length: MEMBERS }, launch);
    await Promise.all(members.map((member) => member.joins()));
    const end = new AbortController();
    const writing = writeUntil(end.signal);
    await killInTurns(members, launch);
    end.abort();
    const written = await writing;
    await group.commitsAll();
    for (const member of members) expect(await member.stop()).toBe(0);

    const outputs = await readToEnd(group.kafka, outputTopic, await group.ends(outputTopic));
    const { first, repeats } = splitRepeats(outputs);
    const lost = numberedRecords(written, KEYS, PARTITIONS).filter(({ value }) => !first.has(String(value)));
    expect(lost).toEqual([]);
    expect(outOfOrder([...first.values()])).toEqual([]);
    // Only an input that was not committed is tried again, or `group.end` fails.
    const attempts = Map.groupBy(group.effects.attempts, ({ record }) => record.value);
    const unexplained = repeats.filter(({ value }) => (attempts.get(String(value)) ?? []).length < 2);
    expect(unexplained).toEqual([]);
    console.info(
      `consume, process, produce: ${KILLS} kills, ${written} inputs, ${lost.length} lost, ${repeats.length} outputs repeated`,
    );
  });
});

/** Returns the first output of each input, by the input's number, and the others. */
function splitRepeats(outputs: readonly ReadRecord[]): {
  readonly first: ReadonlyMap<string, ReadRecord>;
  readonly repeats: readonly ReadRecord[];
} {
  const first = new Map<string, ReadRecord>();
  const repeats: ReadRecord[] = [];
  for (const output of outputs.toSorted((a, b) => a.offset - b.offset)) {
    const name = String(output.value);
    if (first.has(name)) repeats.push(output);
    else first.set(name, output);
  }
  return { first, repeats };
}

/** Returns the numbers of outputs that come before an output of the same key with a lower number. */
function outOfOrder(first: readonly ReadRecord[]): string[] {
  const byKey = Map.groupBy(first, ({ key }) => String(key));
  return [...byKey.values()].flatMap((outputs) => {
    const numbers = outputs.toSorted((a, b) => a.offset - b.offset).map(({ value }) => Number(value));
    return numbers.filter((number, at) => number < (numbers[at - 1] ?? -1)).map(String);
  });
}
