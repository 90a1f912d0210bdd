/** Makes a scenario smaller for as long as something still holds for it. */
import type { Operation } from '../scenario.ts';
import type { Step } from './world.ts';

/** Tries that one scenario is worth. */
const TRIES = 80;

/** The smallest list of steps found of which `holds` is true, as it must be of `steps`. */
export async function shrink(
  steps: readonly Step[],
  holds: (steps: readonly Step[]) => Promise<boolean>,
): Promise<readonly Step[]> {
  const budget = { left: TRIES };
  const fewer = await drop(steps, holds, budget);
  // Then single operations, but for those that keep an operation from being too early, or from waiting for ever.
  const single = fewer.flatMap((step) => step.map((operation): Step => [operation]));
  return drop(single, holds, budget, (step) => !step.every(keepsTime));
}

const keepsTime = ({ call }: Operation): boolean => call === 'socket.sleep' || call === 'settimeout';

/** Leaves out runs of steps: half of all, a quarter, and so on, down to single ones. */
async function drop(
  steps: readonly Step[],
  holds: (steps: readonly Step[]) => Promise<boolean>,
  budget: { left: number },
  droppable: (step: Step) => boolean = () => true,
): Promise<readonly Step[]> {
  let kept = steps;
  for (let size = Math.max(1, kept.length >> 1); ; size >>= 1) {
    for (let end = kept.length; end > 0; end -= size) {
      const start = Math.max(0, end - size);
      const without = kept.filter((step, position) => position < start || position >= end || !droppable(step));
      if (without.length === kept.length) continue;
      if (budget.left-- <= 0) return kept;
      if (await holds(without)) kept = without;
    }
    if (size <= 1) return kept;
  }
}
