/** A part of the report, for every format. */
export interface Section {
  readonly heading: string;
  readonly text: readonly string[];
  readonly table?: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };
}
