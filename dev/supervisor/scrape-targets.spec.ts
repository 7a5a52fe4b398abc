import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ScrapeTargets } from './scrape-targets.js';

describe("the file of Prometheus's scrape targets", () => {
  let directory: string;
  let path: string;
  const printed: string[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'orders-targets-'));
    path = join(directory, 'prometheus-targets.json');
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function targets(): ScrapeTargets {
    return new ScrapeTargets(path, (line) => void printed.push(line));
  }

  function written(): unknown {
    return JSON.parse(readFileSync(path, 'utf8'));
  }

  it('is emptied at the start, even after a killed stack', () => {
    writeFileSync(path, '[{"targets":["127.0.0.1:1"]}]');
    targets();
    expect(written()).toEqual([]);
  });

  it('contains each app by name with its current address', () => {
    const file = targets();
    file.add('producer', 'producer', 'http://127.0.0.1:3001');
    file.add('consumer', 'consumer-1', 'http://127.0.0.1:40001');
    file.add('consumer', 'consumer-1', 'http://127.0.0.1:40002');
    expect(written()).toEqual([
      { targets: ['127.0.0.1:3001'], labels: { job: 'producer', instance: 'producer' } },
      { targets: ['127.0.0.1:40002'], labels: { job: 'consumer', instance: 'consumer-1' } },
    ]);
  });

  it('drops apps that have drained', () => {
    const file = targets();
    file.add('consumer', 'consumer-1', 'http://127.0.0.1:40001');
    file.remove('consumer-1');
    file.remove('consumer-1');
    expect(written()).toEqual([]);
  });

  it('does not stop the stack if it can not be written', () => {
    const file = targets();
    rmSync(directory, { recursive: true });
    file.add('consumer', 'consumer-1', 'http://127.0.0.1:40001');
    expect(printed.at(-1)).toContain('is not up to date: Error: ENOENT');
  });
});
