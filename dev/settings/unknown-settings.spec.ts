import { describe, expect, it } from '@jest/globals';
import { reportUnknownSettings } from './unknown-settings.js';

describe('a name in .env', () => {
  it('is reported if it is no setting', () => {
    const file =
      "# SAVE_DELAY=1\nSAVE_DELAYS_MS=0..10\nORDERING=key\nNODE_IMAGE='node:24'\nORDERS_TOKEN_FILE=/run/secrets/token\n";
    expect(reportUnknownSettings(file)).toEqual([
      '.env: SAVE_DELAYS_MS is not a setting of the pipeline; docs/configuration.md has their names',
    ]);
  });

  it('is reported with its new name if it was renamed', () => {
    expect(reportUnknownSettings('IN_FLIGHT_WISHES_SINCE=2026-01-31\n')).toEqual([
      '.env: IN_FLIGHT_WISHES_SINCE was renamed: set IN_FLIGHT_OVERRIDES_SINCE instead',
    ]);
  });
});
