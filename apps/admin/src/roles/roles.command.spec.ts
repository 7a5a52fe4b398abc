import { describe, expect, it } from '@jest/globals';
import { runCommandLine } from '../command-line.js';

async function run(...args: string[]): Promise<{ code: number; lines: string[]; failures: string }> {
  const lines: string[] = [];
  const failures: string[] = [];
  const code = await runCommandLine(args, {
    env: {},
    print: (line) => void lines.push(line),
    printError: (line) => void failures.push(line),
  });
  return { code, lines, failures: failures.join('\n') };
}

describe('npm run admin -- roles', () => {
  it('prints the commands for MongoDB and Kafka without a connection', async () => {
    const { code, lines } = await run('roles', '--db', 'shop', '--kafka-user', 'producer=emitter');
    expect(code).toBe(0);
    const role = lines.find((line) => line.includes('"createRole":"orders-query-api"'));
    expect(role).toMatch(/^db\.getSiblingDB\('admin'\)\.runCommand\(\{.*"db":"shop","collection":"orders".*\}\)$/);
    expect(lines.filter((line) => line.includes('User:emitter '))).toHaveLength(4);
    expect(lines.join('\n')).not.toContain('User:orders-producer');
  });

  it('rejects an unknown service', async () => {
    const { code, failures } = await run('roles', '--kafka-user', 'printer=emitter');
    expect([code, failures]).toEqual([2, expect.stringContaining('Give SERVICE=NAME, with one of producer, consumer')]);
  });
});
