/** Reads the values of a form's fields. */
export class FormValues {
  private readonly values: FormData;

  /** @param form when absent, all values are empty */
  constructor(form?: HTMLFormElement | null) {
    this.values = form ? new FormData(form) : new FormData();
  }

  static of(event: Event): FormValues {
    return new FormValues(event.target as HTMLFormElement);
  }

  /** Returns the trimmed text; empty when there is none. */
  text(name: string): string {
    const value = this.values.get(name);
    return typeof value === 'string' ? value.trim() : '';
  }

  /** Returns `undefined` for an empty field, so that the service applies its default. */
  number(name: string): number | undefined {
    const text = this.text(name);
    return text === '' ? undefined : Number(text);
  }
}
