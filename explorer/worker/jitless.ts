import { z } from 'zod';

// Before any schema is made: zod compiles checks by `Function` where it may, and a page's policy forbids that, which browsers log as
// an error of the page.
z.config({ jitless: true });
