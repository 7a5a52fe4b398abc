#!/bin/sh
# Like the script of this name in the public image: it is not in Kafka's jars.
exec /opt/java/bin/java -Xmx256m -cp '/opt/kafka/libs/*' org.apache.kafka.tools.TopicCommand "$@"
