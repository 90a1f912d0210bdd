/**
 * An error that is an answer: the system, or a limit of ours, says no. It has no stack, since nobody looks for the place
 * it comes from, and to gather one costs more than the refusal itself: clients can ask for thousands in a second.
 */
export class Refusal extends Error {
  constructor(message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
  }
}
