/** A user of one of the servers, with a password. */
export interface ServerUser {
  readonly name: string;
  readonly password: string;
}
