import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { quoted } from './figures.js';
import { PageElement } from './page-element.js';

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 20 });

/** What a number field accepts; both ends are included. */
interface NumberRule {
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
}

/** `value` is `undefined` for an empty field. `fault` ends a sentence that begins with the name of the field. */
type ReadNumber =
  | { readonly value: number | undefined; readonly fault?: undefined }
  | { readonly fault: string; readonly value?: undefined };

/** Groups of three digits, separated by commas or spaces, the no-break spaces of other languages included. */
const GROUPED = /^\d{1,3}(?:[, \u00a0\u202f]\d{3})+(?:\.\d+)?$/;
const SEPARATORS = /[, \u00a0\u202f]/g;
const NUMBER = /^(?:\d+(?:\.\d*)?|\.\d+)$/;
/** In many languages a point separates thousands: `100.000` must not become 100. */
const POINT = '.';

/** Reads the text of a number field: `100000`, `100,000`, ` 100 000 `. A whole number has no point. */
export function readNumber(text: string, rule: NumberRule): ReadNumber {
  const given = text.trim();
  if (given === '') return { value: undefined };
  const value = toNumber(given);
  const hasParts = given.includes(POINT) || !Number.isInteger(value);
  const isFit = value !== undefined && value >= rule.min && value <= rule.max && !(rule.isWhole && hasParts);
  return isFit ? { value } : { fault: `must be ${allowed(rule)}, got ${quoted(given)}` };
}

/** Reads a number with or without separators. Returns `undefined` for any other text. */
export function toNumber(text: string): number | undefined {
  const digits = GROUPED.test(text) ? text.replaceAll(SEPARATORS, '') : text;
  return NUMBER.test(digits) ? Number(digits) : undefined;
}

/** Formats a number as a field shows it, such as `100,000`. */
export function fieldText(value: number): string {
  return plain.format(value);
}

/** Says what a rule allows, such as `a whole number from 1 to 100`. */
export function allowed({ min, max, isWhole }: NumberRule): string {
  return `${isWhole ? 'a whole number' : 'a number'} from ${plain.format(min)} to ${plain.format(max)}`;
}

let instances = 0;

/**
 * A field for a number. It is a text field, because a browser's number field drops what it can't parse, such as a comma, without a word.
 * Shows what is wrong when the field is left, and at `check`. That it is missing is shown at `check` only: a field that was cleared is not wrong.
 */
export class NumberField extends PageElement {
  @property() label!: string;
  @property() name!: string;
  @property({ type: Number }) min!: number;
  @property({ type: Number }) max!: number;
  @property({ type: Boolean, attribute: 'whole' }) isWhole = false;
  @property({ type: Boolean, attribute: 'required' }) isRequired = false;
  /** Buttons beside the field add or remove one of these, such as `consumer`. Empty: no buttons. */
  @property({ attribute: 'step-unit' }) stepUnit = '';
  /** The text until the user changes it, and again after a reset of the form. */
  @property() value = '';
  @property() placeholder = '';
  /** Explains the field, in a tooltip. */
  @property() hint = '';
  @state() fault: string | null = null;
  private readonly inputId = `number-${(instances += 1)}`;
  private readonly faultId = `fault-of-${this.inputId}`;
  private readonly onReset = (): void => void (this.fault = null);
  private form: HTMLFormElement | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.form = this.closest('form');
    this.form?.addEventListener('reset', this.onReset);
  }

  override disconnectedCallback(): void {
    this.form?.removeEventListener('reset', this.onReset);
    super.disconnectedCallback();
  }

  /** The step buttons depend on what the input shows, which a new initial text has just changed. */
  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('value')) this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const { label, hint, fault, stepUnit } = this;
    return html`<div class="field" title=${hint || nothing}>
        <label for=${this.inputId}>${label}</label>
        ${
          stepUnit === ''
            ? this.inputView()
            : html`<span class="stepper">
                ${this.stepButton(-1, `Remove one ${stepUnit}`, '−')} ${this.inputView()}
                ${this.stepButton(1, `Add one ${stepUnit}`, '+')}
              </span>`
        }
      </div>
      ${fault === null ? nothing : html`<span class="bad fault" id=${this.faultId} role="alert">${fault}</span>`}`;
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

  /** Whether `check` would find no fault. */
  get isValid(): boolean {
    return this.faultText() === null;
  }

  /** `undefined` when the field is empty or wrong. */
  get number(): number | undefined {
    return this.read().value;
  }

  private inputView(): TemplateResult {
    const { name, value, placeholder, fault, isRequired } = this;
    return html`<input
      id=${this.inputId}
      name=${name}
      value=${value}
      placeholder=${placeholder}
      inputmode="decimal"
      autocomplete="off"
      aria-required=${isRequired}
      aria-invalid=${fault !== null}
      aria-describedby=${fault === null ? nothing : this.faultId}
      @change=${() => this.leave()}
      @input=${() => this.correct()}
    />`;
  }

  private stepButton(by: number, name: string, sign: string): TemplateResult {
    const next = this.stepped(by);
    const isAtEnd = next < this.min || next > this.max;
    return html`<button type="button" aria-label=${name} ?disabled=${isAtEnd} @click=${() => this.step(by)}>
      ${sign}
    </button>`;
  }

  /** A field without a number is stepped from its initial one. */
  private stepped(by: number): number {
    return (this.number ?? readNumber(this.value, this).value ?? this.min) + by;
  }

  /** Emits `input`, as typing does. */
  private step(by: number): void {
    const { input } = this;
    if (input === null) return;
    input.value = fieldText(this.stepped(by));
    input.dispatchEvent(new InputEvent('input', { bubbles: true }));
  }

  private get isEmpty(): boolean {
    return (this.input?.value ?? this.value).trim() === '';
  }

  private faultText(): string | null {
    const { fault, value } = this.read();
    if (fault !== undefined) return `${this.label} ${fault}.`;
    return this.isRequired && value === undefined ? `${this.label} is missing.` : null;
  }

  private read(): ReadNumber {
    return readNumber(this.input?.value ?? this.value, this);
  }

  /** Shows the number with separators. */
  private leave(): void {
    const { number, input } = this;
    if (this.isEmpty) this.fault = null;
    else if (this.check() && number !== undefined && input !== null) input.value = fieldText(number);
  }

  /** Removes a fault as soon as it is corrected; a new one is shown only when the field is left. */
  private correct(): void {
    if (this.isEmpty) this.fault = null;
    else if (this.fault !== null) this.check();
    // The step buttons depend on the number.
    this.requestUpdate();
  }
}

/**
 * Reads all number fields of a form, by name. Empty fields are left out, so that the service applies its default.
 * Returns `null` when one is wrong, and shows its fault.
 */
export function readNumbers(form: HTMLElement): Readonly<Record<string, number>> | null {
  for (const field of form.querySelectorAll<NumberField>('number-field')) field.check();
  return validNumbers(form);
}

/** Reads all number fields as `readNumbers` does, and shows no fault: for a form that is being filled in. */
export function validNumbers(form: HTMLElement): Readonly<Record<string, number>> | null {
  const fields = [...form.querySelectorAll<NumberField>('number-field')];
  if (!fields.every(({ isValid }) => isValid)) return null;
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

/** Returns the trimmed text of a form's field; empty when there is none. */
export function fieldValue(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === 'string' ? value.trim() : '';
}
