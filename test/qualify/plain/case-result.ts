/** How a case ended. */
export interface CaseResult {
  readonly name: string;
  /** No record was lost. */
  readonly holds: boolean;
  readonly text: string;
}
