import { describe, expect, it } from '@jest/globals';
import { javaMajorVersion } from './java-runtime.js';

describe('the version that java -version prints', () => {
  it.each([
    ['openjdk version "21.0.4" 2024-07-16', 21],
    ['openjdk version "25" 2025-09-16', 25],
    ['java version "1.8.0_392"', 8],
    ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "17.0.15" 2025-04-15', 17],
  ])('of %j is %i', (output, version) => {
    expect(javaMajorVersion(output)).toBe(version);
  });

  it('is unknown when there is no Java', () => {
    expect(javaMajorVersion('The operation couldn’t be completed. Unable to locate a Java Runtime.')).toBeUndefined();
  });
});
