import { z } from 'zod';
import { eventually } from '../support/eventually.js';
import type { Operator } from './operator.js';

const TargetsSchema = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({ labels: z.record(z.string(), z.string()), health: z.string(), lastError: z.string() }),
    ),
  }),
});
const ResultSchema = z.object({ data: z.object({ result: z.array(z.unknown()) }) });
const JOBS = ['producer', 'consumer', 'query-api', 'console', 'swarm-scaler', 'gateway', 'certificates'];
/** Three brokers, three members, the registry and the gateway. */
const CERTIFICATES = 8;

/** What Prometheus sees of the swarm. */
export class MonitoringChecks {
  constructor(private readonly operator: Operator) {}

  async reachesAll(): Promise<void> {
    await eventually('every target is up', async () => {
      const { data } = TargetsSchema.parse(await this.query('targets'));
      const down = data.activeTargets.filter(({ health }) => health !== 'up');
      const found = new Set(data.activeTargets.map(({ labels }) => labels['job']));
      const missing = JOBS.filter((job) => !found.has(job));
      return (
        (down.length === 0 && missing.length === 0) || {
          missing,
          down: down.map(({ labels, lastError }) => `${labels['instance']} ${lastError}`),
        }
      );
    });
    await eventually('every certificate has an expiry', async () => {
      const expiries = encodeURIComponent('probe_ssl_earliest_cert_expiry > time() + 300 * 86400');
      const { data } = ResultSchema.parse(await this.query(`query?query=${expiries}`));
      return data.result.length === CERTIFICATES || { found: data.result.length };
    });
  }

  private async query(path: string): Promise<unknown> {
    const url = `http://127.0.0.1:9090/api/v1/${path}`;
    return JSON.parse(await this.operator.inside('prometheus', 'wget', '-q', '-O', '-', url));
  }
}
