export { backOffMs, pause, RateMeter, succeededWithin, systemClock, type BackOff, type Clock } from './clock.js';
