/** Settings of a Kafka node by their names in its properties file. */
export type KafkaSettings = Readonly<Record<string, string | number | boolean>>;
