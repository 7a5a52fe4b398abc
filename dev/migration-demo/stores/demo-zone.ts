/** The time zone of the demo's legacy system: far from UTC, and without changes of the clocks, so that each local time is one instant. */
export const ZONE = { name: 'Asia/Kolkata', offsetMinutes: 330 } as const;
