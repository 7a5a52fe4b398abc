import { describe, expect, it } from '@jest/globals';
import { MongoServerError, type Db } from 'mongodb';
import { HistoryWindow } from './history-window.js';

const NAME = 'minSnapshotHistoryWindowInSeconds';

function server(before: number) {
  const set: number[] = [];
  const admin = {
    command: async (command: Record<string, unknown>) => {
      if (!('setParameter' in command)) return Promise.resolve({ [NAME]: before });
      set.push(Number(command[NAME]));
      return Promise.resolve({});
    },
  } as unknown as Db;
  return { admin, set };
}

describe("the server's history", () => {
  it('reaches ten minutes beyond the age of the backup, and is as before afterwards', async () => {
    const { admin, set } = server(300);
    let now = 5_000;
    const window = await HistoryWindow.open(admin, () => now);
    now += 59_000;
    await window?.grow();
    now += 61_000;
    await window?.grow();
    await window?.close();
    expect(set).toEqual([600, 720, 300]);
  });

  it('is never shorter than the operator has set it', async () => {
    const { admin, set } = server(86_400);
    await (await HistoryWindow.open(admin, () => 0))?.close();
    expect(set).toEqual([86_400, 86_400]);
  });

  it('stays as it is for a user who may not set it', async () => {
    const denied = {
      command: async () => Promise.reject(new MongoServerError({ message: 'not authorized', code: 13 })),
    };
    expect(await HistoryWindow.open(denied as unknown as Db, () => 0)).toBeUndefined();
  });
});
