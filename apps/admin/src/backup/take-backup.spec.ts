import { describe, expect, it } from '@jest/globals';
import { MongoServerError, type Db } from 'mongodb';
import { HistoryWindow } from './take-backup.js';

describe("the server's history", () => {
  const name = 'minSnapshotHistoryWindowInSeconds';

  function server(before: number) {
    const set: number[] = [];
    const command = async (request: Record<string, unknown>) => {
      if (!('setParameter' in request)) return { [name]: before };
      set.push(Number(request[name]));
      return {};
    };
    return { admin: { command } as unknown as Db, set };
  }

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
    const denied = new MongoServerError({ message: 'not authorized', code: 13 });
    const admin = { command: async () => Promise.reject(denied) } as unknown as Db;
    expect(await HistoryWindow.open(admin, () => 0)).toBeUndefined();
  });
});
