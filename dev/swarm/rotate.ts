import type { Deployment } from './deployment.js';
import { SwarmError } from './docker.js';
import { newUser, randomKey, randomSecret, SWARM_SERVICES, type SwarmState } from './state.js';

/** What can be replaced. `users` can also be a single service, such as `user:producer`. */
export const ROTATIONS = ['users', 'certificates', 'authority', 'mongodb-key', 'page-token', 'scaler-token'] as const;

/** Changes the stored state. The swarm is deployed after each step, while the old and the new secret are both valid. */
interface RotationStep {
  readonly title: string;
  readonly change: () => Promise<void>;
  /** Whether users that are not in the state are removed from Kafka and MongoDB. */
  readonly removesUsers?: boolean;
}

/** Returns the steps that replace a secret. @throws SwarmError `bad-argument` for an unknown one */
export function rotationSteps(what: string, deployment: Deployment): RotationStep[] {
  const { state } = deployment;
  const edit = (change: (before: SwarmState) => SwarmState) => async () => state.write(change(state.read()));
  const certificates = async (): Promise<void> => state.renewCertificates(deployment.publicHosts);
  switch (what) {
    case 'certificates':
      return [{ title: 'certificates of the same authority', change: certificates }];
    case 'authority':
      return [
        {
          title: 'accept a new authority besides the old one',
          change: async () => {
            // The old one goes on issuing until all accept the new one, but it issues nothing in between.
            const before = state.authorities;
            await state.renewAuthority(before);
          },
        },
        { title: 'certificates of the new authority', change: certificates },
        {
          title: 'forget the old authority',
          change: async () => state.writeAuthorities(state.authorities.slice(0, 1)),
        },
      ];
    case 'mongodb-key':
      return [
        {
          title: 'accept a new key besides the old one',
          change: edit((before) => ({ ...before, mongodbKeys: [...before.mongodbKeys, randomKey()] })),
        },
        {
          title: 'sign in with the new key',
          change: edit((before) => ({ ...before, mongodbKeys: before.mongodbKeys.toReversed() })),
        },
        {
          title: 'forget the old key',
          change: edit((before) => ({ ...before, mongodbKeys: before.mongodbKeys.slice(0, 1) })),
        },
      ];
    case 'page-token':
      return [
        {
          title: 'sign with a new secret, and accept the one before',
          change: edit((before) => ({
            ...before,
            pageToken: randomSecret(),
            pageTokensBefore: [before.pageToken],
          })),
        },
      ];
    case 'scaler-token':
      return [{ title: 'a new token', change: edit((before) => ({ ...before, scalerToken: randomSecret() })) }];
    default:
      return userSteps(what, edit);
  }
}

function userSteps(
  what: string,
  edit: (change: (before: SwarmState) => SwarmState) => () => Promise<void>,
): RotationStep[] {
  const services = SWARM_SERVICES.filter((service) => what === 'users' || what === `user:${service}`);
  if (services.length === 0) {
    const known = [...ROTATIONS, ...SWARM_SERVICES.map((service) => `user:${service}`)];
    throw SwarmError.of('bad-argument', `rotate takes one of ${known.join(', ')}, got ${what}`);
  }
  return [
    {
      title: `a new user for ${services.join(', ')}`,
      change: edit((before) => {
        const retiring = before.users.filter(({ service }) => services.some((each) => each === service));
        const fresh = services.map((service) =>
          newUser(
            service,
            retiring.find((user) => user.service === service),
          ),
        );
        const users = before.users.map((user) => fresh.find(({ service }) => service === user.service) ?? user);
        return { ...before, users, retiring: [...before.retiring, ...retiring] };
      }),
    },
    {
      title: 'remove the user before',
      change: edit((before) => ({ ...before, retiring: [] })),
      removesUsers: true,
    },
  ];
}
