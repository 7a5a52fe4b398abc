import { hash } from 'node:crypto';
import { z } from 'zod';

const FileSchema = z.strictObject({
  clients: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, points or dashes'),
        keys: z
          .array(z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a key, as 64 hexadecimal digits'))
          .min(1)
          .max(10),
      }),
    )
    .max(10_000),
});

/** Shorter keys could be found by trying. 32 characters of 64 kinds are 192 bits. */
const MIN_KEY_CHARACTERS = 32;
const MAX_KEY_CHARACTERS = 256;

/** The SHA-256 of the key that docs/migration.md prints. It is in deploy/legacy-clients.json. */
const DEMO_KEY = '6d36e5831539d22be745b2b2e0fddd236c4fbf5258641cd2f47b22a5be50417a';

/** A key as a client sent it. */
export interface GivenKey {
  readonly key: string;
  /** The user name of HTTP basic authentication; it must be the client's name. */
  readonly name?: string;
}

/**
 * The API keys of the legacy system's clients, by their SHA-256. A slow hash would protect short passwords; a key is random and long, so
 * that there is nothing to try, and it is checked with every request. A client has several keys while one replaces another.
 */
export class ClientKeys {
  private constructor(private readonly clients: ReadonlyMap<string, string>) {}

  /**
   * @param isProduction whether the demo key, which is public, is refused
   * @throws Error that names the wrong entry, and what is allowed
   */
  static parse(text: string, isProduction = false): ClientKeys {
    const parsed = FileSchema.safeParse(jsonIn(text));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const example = '{"clients": [{"name": "billing", "keys": ["<SHA-256>"]}]}';
      throw new Error(`${issue?.path.join('.') || 'the file'} ${issue?.message ?? 'is wrong'}; it must be ${example}`);
    }
    const clients = new Map<string, string>();
    for (const { name, keys } of parsed.data.clients) {
      for (const key of keys) {
        const other = clients.get(key);
        if (other !== undefined) throw new Error(`the clients ${other} and ${name} have the same key`);
        if (isProduction && key === DEMO_KEY)
          throw new Error(
            `the client ${name} has the demo key, which is public: replace ${key} by the SHA-256 of a key of your own, such as the output of \`openssl rand -hex 32\``,
          );
        clients.set(key, name);
      }
    }
    return new ClientKeys(clients);
  }

  /** How many keys there are. */
  get size(): number {
    return this.clients.size;
  }

  /** Returns the client's name; `undefined` for a wrong key. */
  clientOf({ key, name }: GivenKey): string | undefined {
    if (key.length < MIN_KEY_CHARACTERS || key.length > MAX_KEY_CHARACTERS) return undefined;
    const client = this.clients.get(hash('sha256', key));
    return name === undefined || name === client ? client : undefined;
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
