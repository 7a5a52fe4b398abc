/** A field of two orders. A field that one of them lacks is `undefined`. */
export interface ComparedField {
  readonly name: string;
  readonly refused: string | undefined;
  readonly saved: string | undefined;
  readonly differs: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Compares a refused order with the saved one, field by field, in the order of the saved one. */
export function compareOrders(refused: Fields, saved: Fields): readonly ComparedField[] {
  const names = new Set([...Object.keys(saved), ...Object.keys(refused)]);
  return [...names].map((name) => {
    const [left, right] = [toText(refused[name]), toText(saved[name])];
    return { name, refused: left, saved: right, differs: left !== right };
  });
}

function toText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
