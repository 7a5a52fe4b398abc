import type { MigrationResponse } from '../../apps/facade/src/migration/migration-response.js';
import { RunningApp, type Answer } from './running-legacy.js';

/** One facade instance. */
export class RunningFacade extends RunningApp {
  static async start(name: string, env: NodeJS.ProcessEnv): Promise<RunningFacade> {
    return new RunningFacade(...(await RunningApp.listening('facade', { FACADE_INSTANCE: name, ...env })));
  }

  /** Moves a capability. */
  async move(capability: string, stage: string, more: object = {}): Promise<Answer<MigrationResponse>> {
    return this.post(`/v1/migration/${capability}`, { stage, reason: 'test', ...more });
  }

  /** @throws Error if it does not answer with 200 */
  async state(): Promise<MigrationResponse> {
    const { status, text, body } = await this.get<MigrationResponse>('/v1/migration');
    if (status !== 200) throw new Error(text);
    return body;
  }
}
