export { pause, succeededWithin, systemClock, type Clock } from './clock.js';
export { backOffMs, type BackOff } from './back-off.js';
export { RateMeter } from './rate-meter.js';
