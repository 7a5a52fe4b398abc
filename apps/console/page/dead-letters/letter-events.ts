/** The events with which the list and the dialog of a letter request an action. Their detail is a `Selection`. */
export const LETTER_EVENTS = { redrive: 'redrive-letters', discard: 'discard-letters' } as const;
