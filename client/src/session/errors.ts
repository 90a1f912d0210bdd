/** Why there is no session, or no longer one. */
import { FAULTS, type FaultCode, ProtocolError } from '@luasocket-web/shared/errors';

/** A fault as the relay told it, by FAULT or by the code of its close frame. */
export function faultOf(code: string, message: string): ProtocolError {
  const known: FaultCode = Object.hasOwn(FAULTS, code) ? (code as FaultCode) : 'unexpected';
  return new ProtocolError(known, message || FAULTS[known].text);
}

/** The fault of a close code; null when it is none, and so a connection that was lost. */
export function faultOfClose(code: number, reason: string): ProtocolError | null {
  for (const [name, fault] of Object.entries(FAULTS)) {
    if (fault.close === code) return new ProtocolError(name as FaultCode, reason || fault.text);
  }
  return null;
}

/** Whether another attempt to resume may succeed after this fault: the others will be the same next time. */
export function isPassing(fault: ProtocolError): boolean {
  return fault.code === 'limit' || fault.code === 'timeout' || fault.code === 'internal' || fault.code === 'going_away';
}
