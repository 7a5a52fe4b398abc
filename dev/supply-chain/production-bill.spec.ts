import { describe, expect, it } from '@jest/globals';
import { productionBill } from './production-bill.js';

const DEVELOPMENT = { name: 'cdx:npm:package:development', value: 'true' };
const LOCK = JSON.stringify({
  packages: {
    '': { name: 'orders', version: '1.0.0' },
    'libs/clock': { name: '@orders/clock', version: '1.0.0' },
    'node_modules/@orders/clock': { resolved: 'libs/clock', link: true },
    'node_modules/kafka': { version: '2.0.0' },
    'node_modules/jest': { version: '30.0.0', dev: true },
    'node_modules/jest/node_modules/cache': { version: '11.0.0', dev: true },
    'node_modules/kafka/node_modules/cache': { version: '11.0.0' },
  },
});

function component(ref: string, ...properties: object[]): object {
  return { 'bom-ref': ref, properties };
}

describe('the bill of materials', () => {
  it('has what production needs, also if development needs the same, and nothing else', () => {
    const bill = productionBill(
      JSON.stringify({
        bomFormat: 'CycloneDX',
        components: [
          component('@orders/clock@1.0.0'),
          component('kafka@2.0.0'),
          component('jest@30.0.0', DEVELOPMENT),
          component('cache@11.0.0', DEVELOPMENT),
        ],
        dependencies: [
          { ref: 'orders@1.0.0', dependsOn: ['kafka@2.0.0', 'jest@30.0.0'] },
          { ref: 'jest@30.0.0', dependsOn: ['cache@11.0.0'] },
          { ref: 'kafka@2.0.0', dependsOn: ['cache@11.0.0'] },
        ],
      }),
      LOCK,
    );
    expect(bill).toEqual({
      bomFormat: 'CycloneDX',
      components: ['@orders/clock@1.0.0', 'kafka@2.0.0', 'cache@11.0.0'].map((ref) => component(ref)),
      dependencies: [
        { ref: 'orders@1.0.0', dependsOn: ['kafka@2.0.0'] },
        { ref: 'kafka@2.0.0', dependsOn: ['cache@11.0.0'] },
      ],
    });
  });
});
