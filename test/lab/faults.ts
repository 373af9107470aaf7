/** Faults of the lab's clouds, as tests order them (lab/clouds/faults.ts). */
import type { Fault, FaultRecord } from "../../lab/clouds/faults";
import { labOk } from "./support";

/** Puts faults in force, in this order. */
export async function fault(...faults: Fault[]): Promise<void> {
  for (const { cloud, kind, ...options } of faults)
    await labOk([
      "fault",
      cloud,
      kind,
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]),
    ]);
}

/** The faults since they were cleared, and what each has met. */
export async function faults(): Promise<FaultRecord[]> {
  return (JSON.parse(await labOk(["faults"])) as { faults: FaultRecord[] }).faults;
}

/** Ends all faults. */
export async function clearFaults(): Promise<void> {
  await labOk(["faults", "--clear"]);
}
