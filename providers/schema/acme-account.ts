import * as v from "valibot";
import { strict } from "./strict";

export interface AcmeAccountInputs {
  bits: 2048 | 3072 | 4096;
}

export const acmeAccountSchema = strict({ bits: v.optional(v.picklist([2048, 3072, 4096]), 2048) });
