import type { RefusalCode } from "../generated/RefusalCode";
import { Refused } from "../platform/types";

/** Why something that a person asked for did not happen. */
export type Problem = RefusalCode | "unexpected";

/** The problem behind a rejected promise of the platform. */
export function problemOf(error: unknown): Problem {
  return error instanceof Refused ? error.code : "unexpected";
}
