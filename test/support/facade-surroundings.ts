import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import type { LegacyOrder } from '#orders/order/order.js';
import { migrateDatabase } from '#service/mongodb/migrate-database.js';
import { emptyServers } from './empty-servers.js';
import { ImitatedNewSide } from './imitated-new-side.js';
import { RunningLegacy } from './running-legacy.js';
import { ScriptedSide } from './scripted-side.js';
import { TestedFacade, type TestedFacadeOptions } from './tested-facade.js';

/** Half an hour off every other zone, so that a time in the machine's zone is noticed. */
export const ZONE = new LegacyTimeZone('Asia/Kolkata');
/** Nothing listens on the discard port. */
export const NOWHERE = 'http://127.0.0.1:9';
const COUNT = 2_345;

/** What the facade stands between: a real legacy system, an imitated new side with the same orders, and a real MongoDB. */
export class FacadeSurroundings {
  private readonly opened: TestedFacade[] = [];

  private constructor(
    private readonly folder: string,
    private readonly mongo: MongoClient,
    readonly legacy: RunningLegacy,
    readonly newSide: ScriptedSide,
    readonly imitated: ImitatedNewSide,
    /** The orders of the legacy system, by number from 1. */
    readonly records: readonly LegacyRecord[],
  ) {}

  static async start(): Promise<FacadeSurroundings> {
    const folder = await mkdtemp(join(tmpdir(), 'orders-facade-'));
    const mongo = new MongoClient((await emptyServers())?.MONGODB_URI ?? '');
    await migrateDatabase(mongo.db());
    const legacy = await RunningLegacy.start(folder, { LEGACY_TIME_ZONE: ZONE.name });
    await legacy.post(`/populate?count=${COUNT}`);
    const { text } = await legacy.get('/orders/range?start=1&end=1000000');
    const imitated = new ImitatedNewSide();
    for (const order of ordersIn(text)) imitated.save(order);
    const newSide = await ScriptedSide.start(imitated.answer);
    return new FacadeSurroundings(folder, mongo, legacy, newSide, imitated, JSON.parse(text) as LegacyRecord[]);
  }

  /** Starts a facade, by default between the two sides. */
  async open(options: Partial<TestedFacadeOptions> = {}): Promise<TestedFacade> {
    const { legacy, newSide, mongo } = this;
    const sides = { legacyUrl: legacy.url, newUrl: newSide.url };
    const facade = await TestedFacade.start({ ...sides, zone: ZONE, db: mongo.db(), ...options });
    this.opened.push(facade);
    return facade;
  }

  /** Ends all facades, and lets the new side answer as it does at first. */
  async reset(): Promise<void> {
    await Promise.all(this.opened.splice(0).map(async (facade) => facade.close()));
    this.newSide.answer(this.imitated.answer);
  }

  async end(): Promise<void> {
    await this.reset();
    this.newSide.close();
    await this.legacy.end();
    await this.mongo.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Returns the translated orders of an answer of the legacy system. @throws Error for one that can't be translated */
export function ordersIn(text: string): LegacyOrder[] {
  const parsed = parseStrictJson(text);
  const value: unknown = 'value' in parsed ? parsed.value : [];
  return [value].flat().map((each) => {
    const read = fromLegacy(each, ZONE);
    if ('order' in read) return read.order;
    throw new Error(JSON.stringify(read.reason));
  });
}
