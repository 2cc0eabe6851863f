/** Options of a check that a process makes once or a few times: it takes less than to compile a validator for it. */
export const CHECKED_ONCE = { jitless: true } as const;
