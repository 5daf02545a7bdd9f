#!/bin/sh
# One broker of Apache Kafka from Maven by coordinates; kafka-flush.sh measures the same with topics that have
# flush.messages=1.
#   kafka.sh install PREFIX        prints the version last
#   kafka.sh start PREFIX DATA PORT
set -eu
PREFIX=$2
VERSION=4.1.0
case $1 in
install)
    if [ ! -e "$PREFIX/libs/kafka_2.13-$VERSION.jar" ]; then
        cat >"$PREFIX/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>bench</groupId><artifactId>bench</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$VERSION</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
POM
        mvn -q -B -f "$PREFIX/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$PREFIX/libs"
    fi
    echo "Apache Kafka $VERSION"
    ;;
start)
    cat >"$PREFIX/server.properties" <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($4 + 1))
listeners=PLAINTEXT://127.0.0.1:$4,CONTROLLER://127.0.0.1:$(($4 + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$4
controller.listener.names=CONTROLLER
log.dirs=$3/kafka
message.max.bytes=6291456
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
CONF
    java -cp "$PREFIX/libs/*" kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAA -c "$PREFIX/server.properties"
    exec java -Xmx1g -cp "$PREFIX/libs/*" kafka.Kafka "$PREFIX/server.properties"
    ;;
esac
