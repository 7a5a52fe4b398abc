import type { ScalingTarget } from '../scaling/scaling-target.js';
import type { Supervisor } from '../scaling/supervisor.js';
import type { Actuator } from './actuator.js';
import { HelperActuator } from './helper-actuator.js';
import { SupervisorActuator } from './supervisor-actuator.js';

interface ActuatorSettings {
  readonly SCALED_BY: 'supervisor' | 'none';
  readonly AUTOSCALE_ACTUATOR_URL?: string | undefined;
  readonly AUTOSCALE_ACTUATOR_TOKEN?: string | undefined;
}

interface Supervision {
  readonly supervisor: Supervisor;
  readonly target: ScalingTarget;
  /** How many consumers belong to the configuration; `null`: unknown. */
  readonly observed: () => number | null;
}

/** Returns what sets the number of consumers: a helper, or `npm start`; `null`: another scaler, such as KEDA, asks for it. */
export function chooseActuator(
  settings: ActuatorSettings,
  { supervisor, target, observed }: Supervision,
): Actuator | null {
  const { SCALED_BY, AUTOSCALE_ACTUATOR_URL: url, AUTOSCALE_ACTUATOR_TOKEN: token } = settings;
  if (url !== undefined && token !== undefined) return new HelperActuator(url, token);
  return SCALED_BY === 'supervisor' ? new SupervisorActuator(supervisor, target, observed) : null;
}
