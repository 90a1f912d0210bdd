/** What makes transcripts of a face of the client. */
export interface Face {
  /**
   * The transcript of a scenario file (bytes as Latin-1) over the relay at `url` (`ws://...`), each of its scenarios in
   * a session of its own. One that takes longer than `limit` seconds is cut off, and its transcript says so.
   */
  transcribe(text: string, url: string, limit: number): Promise<string[]>;
  close(): Promise<void>;
}

/** The last line of a transcript that is cut off after so many seconds. */
export const noAnswer = (limit: number): string => `(no answer within ${limit} s)`;
