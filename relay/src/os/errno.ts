/** From errno numbers to the catalogue of outcomes. */
import { constants } from 'node:os';
import { isOutcomeCode, type Outcome } from '@luasocket-web/shared/errors';

/** Makes the translation for this platform; `text` is strerror(3), for what the catalogue lacks. */
export function errnoOutcomes(text: (errno: number) => string): (errno: number) => Outcome {
  const known = new Map<number, Outcome>();
  for (const [name, errno] of Object.entries(constants.errno)) {
    // Two names of one number (EWOULDBLOCK and EAGAIN): the one the catalogue has.
    if (isOutcomeCode(name)) known.set(errno, { code: name });
  }
  return (errno) => known.get(errno) ?? { code: 'EAI_SYSTEM', detail: text(errno) };
}
