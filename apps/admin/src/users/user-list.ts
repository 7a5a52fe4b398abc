import { SERVICES, type ServiceName } from '#service/rights/service-rights.js';

/** The user of a service, at Kafka and MongoDB. */
export interface ServiceUser {
  readonly service: ServiceName;
  readonly name: string;
  readonly password: string;
}

/** Thrown for a list that can't be applied. Its message has no password. */
export class UserListError extends Error {
  override readonly name = 'UserListError';
  readonly code = 'bad-user-list';
}

/**
 * Reads a list with a line `SERVICE NAME PASSWORD` for each user. A service may have several users: while a password is replaced, the old
 * and the new user are both valid.
 * @throws UserListError with the number of the first wrong line
 */
export function parseUserList(text: string): ServiceUser[] {
  const users = text
    .split('\n')
    .map((line, at) => ({ line: line.trim(), at: at + 1 }))
    .filter(({ line }) => line !== '')
    .map(({ line, at }) => parseUser(line, at));
  const names = users.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new UserListError(`the user ${twice} is listed twice: give each user one line`);
  if (users.length === 0) throw new UserListError('the list of users is empty: give each service a line');
  return users;
}

function parseUser(line: string, at: number): ServiceUser {
  const [given = '', name, password, ...more] = line.split(/\s+/);
  const service = SERVICES.find((each) => each === given);
  if (service === undefined)
    throw new UserListError(`line ${at} must begin with one of ${SERVICES.join(', ')}, got ${given.slice(0, 40)}`);
  if (name === undefined || password === undefined || more.length > 0)
    throw new UserListError(`line ${at} must be SERVICE NAME PASSWORD, without spaces in any of them`);
  return { service, name, password };
}
