import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { aptInstall, isOnPath } from '../support/fetched-programs.js';
import { fetchLimit } from '../support/eventually.js';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Launches a real Chromium: that at CHROMIUM_PATH, an installed one, or Debian's package, which root installs. */
export async function launchBrowser(): Promise<Browser> {
  // Chromium's sandbox does not work as root; the tests open only our own pages.
  return chromium.launch({ executablePath: await chromiumPath(), args: ['--no-sandbox'] });
}

async function chromiumPath(): Promise<string> {
  const found = [process.env['CHROMIUM_PATH'], ...PLACES].find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get'))
    throw new Error('Chromium not found: install it, or set CHROMIUM_PATH to a Chrome or Chromium.');
  await aptInstall(['chromium'], fetchLimit());
  return '/usr/bin/chromium';
}
