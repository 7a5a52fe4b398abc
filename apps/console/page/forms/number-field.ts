import { html, nothing, type TemplateResult } from 'lit';
import { Part } from '../part.js';
import { fieldText, readNumber, type ReadNumber } from './number-text.js';

let instances = 0;

/**
 * A field for a number. It is a text field, because a browser's number field drops what it can't parse, such as a comma, without a word.
 * Shows what is wrong when the field is left, and at `check`.
 */
export class NumberField extends Part {
  static override properties = {
    label: {},
    name: {},
    min: { type: Number },
    max: { type: Number },
    isWhole: { type: Boolean, attribute: 'whole' },
    isRequired: { type: Boolean, attribute: 'required' },
    value: {},
    placeholder: {},
    hint: {},
    fault: { state: true },
  };
  declare label: string;
  declare name: string;
  declare min: number;
  declare max: number;
  declare isWhole: boolean;
  declare isRequired: boolean;
  /** The initial text. */
  declare value: string;
  declare placeholder: string;
  /** Explains the field, in a tooltip. */
  declare hint: string;
  declare fault: string | null;
  private readonly faultId = `fault-${(instances += 1)}`;

  constructor() {
    super();
    this.isWhole = false;
    this.isRequired = false;
    this.value = '';
    this.placeholder = '';
    this.hint = '';
    this.fault = null;
  }

  protected override render(): TemplateResult {
    const { label, name, value, placeholder, hint, fault, isRequired } = this;
    return html`<label title=${hint || nothing}
        >${label}
        <input
          name=${name}
          value=${value}
          placeholder=${placeholder}
          inputmode="decimal"
          autocomplete="off"
          aria-required=${isRequired}
          aria-invalid=${fault !== null}
          aria-describedby=${fault === null ? nothing : this.faultId}
          @change=${() => this.leave()}
          @input=${() => this.correct()} /></label
      >${fault === null ? nothing : html`<span class="bad fault" id=${this.faultId} role="alert">${fault}</span>`}`;
  }

  /** The input element, for the focus. */
  get input(): HTMLInputElement | null {
    return this.querySelector('input');
  }

  /** Reads the field and shows its fault. Returns whether it has none. */
  check(): boolean {
    this.fault = this.faultText();
    return this.fault === null;
  }

  /** `undefined` when the field is empty or wrong. */
  get number(): number | undefined {
    return this.read().value;
  }

  private faultText(): string | null {
    const { fault, value } = this.read();
    if (fault !== undefined) return `${this.label} ${fault}.`;
    return this.isRequired && value === undefined ? `${this.label} is missing.` : null;
  }

  private read(): ReadNumber {
    return readNumber(this.input?.value ?? this.value, this);
  }

  /** Shows the number as it was understood, such as 1,000,000 for 1e6. */
  private leave(): void {
    const { number, input } = this;
    if (this.check() && number !== undefined && input !== null) input.value = fieldText(number);
  }

  /** Removes a fault as soon as it is corrected; a new one is shown only when the field is left. */
  private correct(): void {
    if (this.fault !== null) this.check();
  }
}

/**
 * Reads all number fields of a form, by name. Empty fields are left out, so that the service applies its default.
 * Returns `null` when one is wrong, and shows its fault.
 */
export function readNumbers(form: HTMLElement): Readonly<Record<string, number>> | null {
  const fields = [...form.querySelectorAll<NumberField>('number-field')];
  // Checks all of them, not only up to the first fault.
  if (fields.filter((field) => !field.check()).length > 0) return null;
  return Object.fromEntries(fields.flatMap(({ name, number }) => (number === undefined ? [] : [[name, number]])));
}

/** Reads all number fields as `readNumbers` does, for a form that is sent: the first wrong field gets the focus. */
export function submitNumbers(form: HTMLElement): Readonly<Record<string, number>> | null {
  const values = readNumbers(form);
  const wrong = [...form.querySelectorAll<NumberField>('number-field')].filter(({ fault }) => fault !== null);
  // A wrong field in a closed part of the form could be neither seen nor focused.
  for (const field of wrong) field.closest('details')?.setAttribute('open', '');
  wrong[0]?.input?.focus();
  return values;
}
