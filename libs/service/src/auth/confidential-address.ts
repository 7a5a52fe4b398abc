import { isLoopback } from '../http/known-hosts.js';

/** Returns whether no third party can read or change what is sent to an address: https, or http to this machine. */
export function isConfidential(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'https:' || isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'));
}
