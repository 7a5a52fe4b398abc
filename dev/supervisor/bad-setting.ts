import { SettingsError } from '#service/settings/settings.js';
import { StackError } from '../stack-error.js';

/** @throws StackError `bad-setting` instead of a SettingsError */
export function orBadSetting<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new StackError('bad-setting', error.message, 'Correct them in the environment or in .env.', { cause: error });
  }
}
