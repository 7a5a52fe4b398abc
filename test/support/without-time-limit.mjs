// The waits of the fault and monitoring specs have limits of their own, whose errors name what is missing. Jest's limit only ends a spec that hangs.
import { jest } from '@jest/globals';

jest.setTimeout(400_000);
