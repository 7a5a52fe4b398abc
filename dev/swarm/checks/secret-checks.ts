import { existsSync, readFileSync } from 'node:fs';
import { Deployment } from '../deployment.js';
import { ClientKeys } from '../../../apps/facade/src/clients.js';
import type { StackFile } from '../stack-file.js';
import { expiries } from '../state/certificates.js';
import type { SwarmProblem } from '../swarm-error.js';

/**
 * Returns secrets and configs whose file is missing or empty, certificates that have expired, and API keys that the facade would refuse.
 * @param warn gets a line for each certificate that expires soon
 */
export function secretProblems(
  { files, services }: Pick<StackFile, 'files' | 'services'>,
  now: number,
  warn: (line: string) => void,
): SwarmProblem[] {
  return files.flatMap(({ kind, key, file }): SwarmProblem[] => {
    const path = Deployment.pathOf(file);
    if (!existsSync(path) || readFileSync(path).length === 0)
      return [
        {
          code: 'missing-secret',
          text: `the ${kind} ${key} is missing: restore ${path} from your copy of the folder. A new one would lock the services out of their data`,
        },
      ];
    if (key === 'legacy-clients') return keyProblems(path, services.get('facade')?.deploy?.replicas !== 0);
    const found = expiries(readFileSync(path, 'utf8'), now);
    for (const { text } of found.filter(({ hasExpired }) => !hasExpired))
      warn(`${key}: ${text}; deploy/swarm/rotate certificates`);
    return found
      .filter(({ hasExpired }) => hasExpired)
      .map(({ text }) => ({ code: 'certificate-expired', text: `${key}: ${text}: deploy/swarm/rotate certificates` }));
  });
}

function keyProblems(path: string, isUsed: boolean): SwarmProblem[] {
  try {
    const { size } = ClientKeys.parse(readFileSync(path, 'utf8'), true);
    if (size > 0 || !isUsed) return [];
    return [{ code: 'bad-client-keys', text: `${path} has no keys: the facade would refuse every request` }];
  } catch (error) {
    return [{ code: 'bad-client-keys', text: `${path}: ${error instanceof Error ? error.message : String(error)}` }];
  }
}
