/** A user of one of the servers, with a password. */
export interface StackUser {
  readonly name: string;
  readonly password: string;
}
