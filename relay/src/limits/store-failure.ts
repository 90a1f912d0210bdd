/** Redis did not answer, so nobody knows. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  /** What was asked about, for the metrics. */
  readonly about: 'tickets' | 'sessions';

  constructor(about: StoreFailure['about'], cause: Error) {
    super(cause.message, { cause });
    this.about = about;
  }
}
