import { HttpException, HttpStatus } from '@nestjs/common';
import { classifyByNetworkCode, type FailureClassifier } from '../../parallel-consumer/src/failure.js';
import { DeserializationError } from './deserializer.js';

/** What Nest's validation pipes throw: the payload is wrong, and will be the next time. */
const PAYLOAD_AT_FAULT: ReadonlySet<number> = new Set([HttpStatus.BAD_REQUEST, HttpStatus.UNPROCESSABLE_ENTITY]);

/**
 * The default classifier: network errors (also as a `cause`) are the environment's; a payload that a pipe refuses (an
 * HttpException of 400 or 422) is poison; all else may pass on another try, also the `RpcException` of a guard that says no.
 */
export const classifyNestFailure: FailureClassifier = (error) => {
  if (error instanceof HttpException && PAYLOAD_AT_FAULT.has(error.getStatus())) return 'poison';
  return classifyByNetworkCode(error);
};

/** Failed deserializers are judged here, never by the handler's classifier: it was not written for them. */
export function withDeserialization(classify: FailureClassifier): FailureClassifier {
  return (error) => {
    if (!(error instanceof DeserializationError)) return classify(error);
    return classifyByNetworkCode(error) === 'environment' ? 'environment' : 'poison';
  };
}
