import { HttpException, HttpStatus } from '@nestjs/common';
import { classifyByNetworkCode, type FailureClassifier } from '@orders-pipeline/parallel-consumer';
import { DeserializationError } from './deserializer.js';

/** Status codes that Nest's validation pipes throw: the payload is invalid, and a retry would fail again. */
const PAYLOAD_AT_FAULT: ReadonlySet<number> = new Set([HttpStatus.BAD_REQUEST, HttpStatus.UNPROCESSABLE_ENTITY]);

/**
 * The default classifier. Network errors (also as a `cause`) are `environment`. A payload that a pipe rejects (an HttpException
 * with status 400 or 422) is `poison`. All other errors are `retriable`, including the `RpcException` of a guard that denies.
 */
export const classifyNestFailure: FailureClassifier = (error) => {
  if (error instanceof HttpException && PAYLOAD_AT_FAULT.has(error.getStatus())) return 'poison';
  return classifyByNetworkCode(error);
};

/** Extends a classifier by deserialization errors, which the handler's own classifier does not know. */
export function withDeserialization(classify: FailureClassifier): FailureClassifier {
  return (error) => {
    if (!(error instanceof DeserializationError)) return classify(error);
    return classifyByNetworkCode(error) === 'environment' ? 'environment' : 'poison';
  };
}
