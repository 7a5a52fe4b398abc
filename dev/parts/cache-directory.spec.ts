import { describe, expect, it } from '@jest/globals';
import { cacheDirectory } from './cache-directory.js';

describe('the cache of fetched parts', () => {
  it('is in the home folder by default', () => {
    expect(cacheDirectory({}, '/home/ann')).toBe('/home/ann/.cache/orders-pipeline');
  });

  it('follows XDG_CACHE_HOME', () => {
    expect(cacheDirectory({ XDG_CACHE_HOME: '/var/cache/ann' }, '/home/ann')).toBe('/var/cache/ann/orders-pipeline');
  });

  it('is exactly ORDERS_CACHE_DIR if that is set', () => {
    expect(cacheDirectory({ ORDERS_CACHE_DIR: '/big/disk', XDG_CACHE_HOME: '/x' }, '/home/ann')).toBe('/big/disk');
  });

  it('ignores empty variables', () => {
    expect(cacheDirectory({ ORDERS_CACHE_DIR: '', XDG_CACHE_HOME: '' }, '/home/ann')).toBe(
      '/home/ann/.cache/orders-pipeline',
    );
  });
});
