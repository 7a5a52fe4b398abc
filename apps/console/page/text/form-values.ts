/** What stands in a form's fields. */
export class FormValues {
  private readonly values: FormData;

  /** @param form absent: nothing stands anywhere */
  constructor(form?: HTMLFormElement | null) {
    this.values = form ? new FormData(form) : new FormData();
  }

  static of(event: Event): FormValues {
    return new FormValues(event.target as HTMLFormElement);
  }

  /** Without spaces around it; empty for none. */
  text(name: string): string {
    const value = this.values.get(name);
    return typeof value === 'string' ? value.trim() : '';
  }

  /** `undefined` where the field is empty: what isn't asked for has the service's own default. */
  number(name: string): number | undefined {
    const text = this.text(name);
    return text === '' ? undefined : Number(text);
  }
}
