import { describe, expect, it } from '@jest/globals';
import { MavenProgress } from './maven-progress.js';

function after(...lines: string[]): string {
  const progress = new MavenProgress();
  for (const line of lines) progress.read(line);
  return progress.describe();
}

describe("Maven's progress", () => {
  it('counts the files that have arrived', () => {
    expect(
      after('Downloaded from mirror: a.pom (5 kB)', '[INFO] Building', 'Downloaded from mirror: a.jar (2 MB)'),
    ).toBe('2 files');
  });

  it('shows the progress of the current file', () => {
    expect(after('Downloaded from mirror: a.pom (5 kB)', 'Progress (1): 4.1/158 MB')).toBe('1 files; now 4.1/158 MB');
  });

  it('drops the current file once it has arrived', () => {
    expect(after('Progress (1): 157/158 MB', 'Downloaded from mirror: b.tar.gz (158 MB at 30 MB/s)')).toBe('1 files');
  });
});
