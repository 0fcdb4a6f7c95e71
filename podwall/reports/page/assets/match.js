// Whether something matches or passes.

/** @import { Match } from './types.js' */

/** @type {{ NO: Match, MAYBE: Match, YES: Match }} */
export const MATCH = { NO: 0, MAYBE: 1, YES: 2 };
