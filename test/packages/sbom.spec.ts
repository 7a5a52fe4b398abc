import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from '@jest/globals';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { productionPackages, type Bill } from '../../dev/supply-chain/production-bill.js';

async function read(file: string): Promise<string> {
  return readFile(join(PROJECT_DIRECTORY, file), 'utf8');
}

it('the bill of materials has every package of the production image, and none of development', async () => {
  await promisify(execFile)('npm', ['run', '--silent', 'sbom'], { cwd: PROJECT_DIRECTORY });
  const bill = JSON.parse(await read('dist/sbom.cdx.json')) as Bill;
  expect(bill['bomFormat']).toBe('CycloneDX');
  const refs = new Set(bill.components.map((component) => component['bom-ref']));
  // The project itself is the subject of the bill.
  const wanted = [...productionPackages(await read('package-lock.json'))].filter(
    (ref) => !ref.startsWith('orders-pipeline@'),
  );
  expect(wanted.filter((ref) => !refs.has(ref))).toEqual([]);
  expect([...refs].filter((ref) => /^(jest|oidc-provider|typescript-native)@/.test(ref))).toEqual([]);
});
