import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { SERVICE_RIGHTS, SERVICES, type ServiceName } from './service-rights.js';

/** The rows of the tables of rights in docs/security.md, without the padding. */
const ROWS = readFileSync(join(import.meta.dirname, '../../../../docs/security.md'), 'utf8')
  .replace(/^[^]*\n## Who has which rights\n/, '')
  .replace(/\n## [^]*$/, '')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.replaceAll(/\s+/g, ' ').trim());

const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

function kafkaRows(service: ServiceName): string[] {
  return SERVICE_RIGHTS[service].kafka.map(
    ({ resource, name, operations }) => `| ${service} | ${resource} \`${name}\` | ${code(operations)} |`,
  );
}

function mongodbRows(service: ServiceName): string[] {
  const { collections, verifies, readsOplog, administers } = SERVICE_RIGHTS[service];
  const row = (access: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`| ${service} | ${access} | ${code(names.toSorted())} |`];
  const having = (access: string): string[] =>
    Object.entries(collections).flatMap(([name, each]) => (each === access ? [name] : []));
  return [
    ...row('write', having('write')),
    ...row('insert and read', having('insert')),
    ...row('read', [...having('read'), ...(readsOplog ? ['local.oplog.rs'] : [])]),
    ...row('list indexes', verifies),
    ...(administers
      ? [
          `| ${service} | everything, and rights of others | \`dbOwner\`, \`userAdminAnyDatabase\` |`,
          `| ${service} | on the server | \`getParameter\`, \`inprog\`, \`setParameter\` |`,
        ]
      : []),
  ];
}

describe('docs/security.md', () => {
  it.each(SERVICES)('has exactly the rights of %s', (service) => {
    const expected = [...kafkaRows(service), ...mongodbRows(service)];
    expect(ROWS.filter((row) => row.startsWith(`| ${service} |`)).toSorted()).toEqual(expected.toSorted());
  });
});
